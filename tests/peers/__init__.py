"""The test suites of our peers: ONNX backend tests and recorded PyTorch cases, run against our operations."""
