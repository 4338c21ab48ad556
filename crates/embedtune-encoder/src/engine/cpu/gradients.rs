//! The gradient buffer, looked up by the name of a weight.

use crate::Parameters;

pub(super) struct Gradients<'a> {
    parameters: &'a Parameters,
    values: &'a mut [f32],
}

impl<'a> Gradients<'a> {
    /// Over `values`, laid out as [`Parameters::trainable`].
    pub(super) fn new(parameters: &'a Parameters, values: &'a mut [f32]) -> Self {
        Self { parameters, values }
    }

    /// Gradient of a weight, if it is trained.
    pub(super) fn of(&mut self, name: &str) -> Option<&mut [f32]> {
        let info = self.parameters.info(name).filter(|info| !info.frozen)?;
        Some(&mut self.values[info.range()])
    }

    /// Gradients of several weights, each if it is trained.
    pub(super) fn of_each<const N: usize>(&mut self, names: [&str; N]) -> [Option<&mut [f32]>; N] {
        let ranges = names.map(|name| {
            self.parameters.info(name).filter(|info| !info.frozen).map(|info| info.range())
        });
        // An empty range at the end stands for a weight that is not trained.
        let end = self.values.len();
        let places = ranges.clone().map(|range| range.unwrap_or(end..end));
        let parts = self.values.get_disjoint_mut(places).expect("weights lie at different places");
        let mut trained = ranges.into_iter();
        parts.map(|part| trained.next().flatten().map(|_| part))
    }
}
