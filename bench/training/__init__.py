"""The shared trainer: one loop for every method, with its augmentation and regimes."""
