"""Images: which environment of this machine an image name stands for."""
