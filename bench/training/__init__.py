"""The shared trainer: one loop for every method, with its backbones, augmentation and regimes."""
