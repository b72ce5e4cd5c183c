"""Acquisition: a source read once in order, digested on the way, written to images, and the images read again.

`patient` reads what a failing device still gives; `raw_writer` and `ewf_writer` write; `copying` joins them.
Nothing here opens evidence: the source is a `Part` of the gate, and what is opened are images that were made here.
"""
