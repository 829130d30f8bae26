"""What tests share: small hand-made deliveries."""
