"""What happens when Transformers are scaled, trained and used: laws and failures, each of them measured."""
