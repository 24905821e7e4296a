"""What the service can say of itself: purposes, sheets made from configuration and records, reports on people's use."""
