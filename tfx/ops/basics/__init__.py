"""What everything else is made of: products, sums, softmax, dropout, embeddings."""
