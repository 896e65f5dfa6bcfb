"""One file per method: a `STEP` that `edgeq.quantize.pipeline` puts into its order.

A method changes the float graph (equalization), the parameters of activations (sums), or integers (biases). One that
decides the integers of weights itself leaves constants with parameters in the float graph; the converter takes them as
they are. The configuration says which layers a method is for: `config.for_layer(name)`.
"""
