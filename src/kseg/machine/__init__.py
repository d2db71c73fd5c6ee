"""Boards: time, the outside, buses, images and configuration, and the machines made of them."""
