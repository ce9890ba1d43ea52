"""What others have saved: configurations, weights and tokenizers, read and checked without loading a
model.
"""
