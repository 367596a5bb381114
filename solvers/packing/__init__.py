"""Online bin packing: which bin takes the next item?"""
