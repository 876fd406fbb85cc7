"""A new plug-in to start from: `bench new` writes its file, its test and its documentation."""

from bench.scaffold.files import KINDS, new_plugin
from bench.scaffold.names import Name, checked_name

__all__ = ["KINDS", "Name", "checked_name", "new_plugin"]
