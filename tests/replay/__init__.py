"""Real telemetry: converters to events, independent computations of what must come out, and tests that compare."""
