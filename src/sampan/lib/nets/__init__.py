"""Small neural networks on numpy: a tape of gradients, layers of pictures, and rules of descent.

For controllers that learn from some hundred trials and for programs that train on pictures of eight
by eight pixels, where a framework of half a gigabyte would only be carried. These modules import
numpy and each other alone, and by relative names, since containers that run the trial programs of
`nodes/images` are given this directory as the package `nets`. No accelerators, no graph compiler.
"""
