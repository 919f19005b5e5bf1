"""One suite for every backend: what Google documents, asked of Google's emulators and of the embedded backend alike."""
