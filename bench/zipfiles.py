"""Zip archives (.npz among them) that someone else has written."""

import zipfile
import zlib

# What reading one that is damaged, encrypted or of an unknown kind can end in.
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, NotImplementedError, RuntimeError, OSError)
