//! The only place that names pyo3.
