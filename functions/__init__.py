"""Fleetline's cloud code: pure lines decide, named roles carry, adapters touch the cloud."""
