"""Programs of the images in Katib's examples, and the modules that lie beside them there."""
