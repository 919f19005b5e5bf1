"""The whole plant on one machine: emulators, couriers, timekeepers, a simulated fleet, and the code of the cloud."""
