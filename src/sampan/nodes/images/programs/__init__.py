"""Programs of images that Sampan stands for. They run in containers; nothing here imports them."""
