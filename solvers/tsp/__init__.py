"""Constructive travelling salesman: which city is visited next?"""
