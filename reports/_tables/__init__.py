"""Tables: the model, its forms, and each kind of table."""
