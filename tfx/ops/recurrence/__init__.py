"""One step after the other: RNN, GRU, LSTM, and the way back through time."""
