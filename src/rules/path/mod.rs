//! Network segments and paths (section I of the catalogue).

pub mod dr170_asymmetric_segment;
