//! The weights of a model as one flat buffer with named, shaped views.

use std::{
    collections::HashMap,
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
};

/// Name, shape and place of one weight tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterInfo {
    /// Name in the weight file, without the prefix of a task head (`encoder.layer.0.…`).
    pub name: String,
    /// Shape, row-major.
    pub shape: Vec<usize>,
    /// Whether training leaves it as it is.
    pub frozen: bool,
    /// First value in the trainable or the frozen buffer.
    offset: usize,
}

impl ParameterInfo {
    /// Number of values.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether the tensor has no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Place of the values in [`Parameters::trainable`] if it is trained, else among the frozen.
    pub fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.len()
    }

    /// Whether weight decay applies: to matrices, never to biases and norms.
    pub fn decays(&self) -> bool {
        self.shape.len() >= 2
    }
}

/// All weights of a model. Trainable ones are one contiguous f32 buffer, so that clipping, an
/// optimizer step and a checkpoint are one pass each, in an order that never changes (the order of
/// the model's layers). Frozen ones lie apart: they have no gradient and no optimizer state.
#[derive(Debug, Clone)]
pub struct Parameters {
    infos: Vec<ParameterInfo>,
    by_name: HashMap<String, usize>,
    trainable: Vec<f32>,
    frozen: Vec<f32>,
    version: u64,
}

impl Parameters {
    /// Collects named tensors `(name, shape, values)` in their order, all trainable.
    ///
    /// # Panics
    /// If a shape does not fit its values or a name occurs twice.
    pub fn new(tensors: impl IntoIterator<Item = (String, Vec<usize>, Vec<f32>)>) -> Self {
        let tensors: Vec<_> = tensors.into_iter().collect();
        // Most of the memory of a model: never moved while it grows.
        let total = tensors.iter().map(|(_, _, values)| values.len()).sum();
        let mut parameters = Self {
            infos: Vec::new(),
            by_name: HashMap::new(),
            trainable: Vec::with_capacity(total),
            frozen: Vec::new(),
            version: next_version(),
        };
        for (name, shape, values) in tensors {
            assert_eq!(shape.iter().product::<usize>(), values.len(), "shape of {name}");
            let taken = parameters.by_name.insert(name.clone(), parameters.infos.len());
            assert!(taken.is_none(), "{name} occurs twice");
            let offset = parameters.trainable.len();
            parameters.trainable.extend(values);
            parameters.infos.push(ParameterInfo { name, shape, frozen: false, offset });
        }
        parameters
    }

    /// Every tensor in model order.
    pub fn infos(&self) -> &[ParameterInfo] {
        &self.infos
    }

    /// The trained tensors in model order, which is their order in [`Parameters::trainable`].
    pub fn trainable_infos(&self) -> impl Iterator<Item = &ParameterInfo> {
        self.infos.iter().filter(|info| !info.frozen)
    }

    /// Description of the tensor called `name`.
    pub fn info(&self, name: &str) -> Option<&ParameterInfo> {
        self.by_name.get(name).map(|&index| &self.infos[index])
    }

    /// Values of a tensor of this set.
    pub fn values(&self, info: &ParameterInfo) -> &[f32] {
        let buffer = if info.frozen { &self.frozen } else { &self.trainable };
        &buffer[info.range()]
    }

    /// Values of the tensor called `name`.
    pub fn get(&self, name: &str) -> Option<&[f32]> {
        self.info(name).map(|info| self.values(info))
    }

    /// All trainable values.
    pub fn trainable(&self) -> &[f32] {
        &self.trainable
    }

    /// All trainable values, to be changed. Engines notice by [`Parameters::version`].
    pub fn trainable_mut(&mut self) -> &mut [f32] {
        self.version = next_version();
        &mut self.trainable
    }

    /// Changes with every (possible) change of values or of what is frozen. Sets of one version are
    /// equal, be they one set or clones.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Number of values in all tensors.
    pub fn num_values(&self) -> usize {
        self.trainable.len() + self.frozen.len()
    }

    /// Freezes exactly the tensors for which `freeze` holds; values stay as they are.
    pub fn set_frozen(&mut self, freeze: impl Fn(&str) -> bool) {
        let (mut trainable, mut frozen) = (Vec::new(), Vec::new());
        for index in 0..self.infos.len() {
            let info = &self.infos[index];
            let buffer = if freeze(&info.name) { &mut frozen } else { &mut trainable };
            let offset = buffer.len();
            buffer.extend_from_slice(self.values(info));
            self.infos[index] = ParameterInfo {
                frozen: freeze(&self.infos[index].name),
                offset,
                ..self.infos[index].clone()
            };
        }
        // `values` above reads the old buffers by the old infos: both are replaced together.
        self.trainable = trainable;
        self.frozen = frozen;
        self.version = next_version();
    }
}

/// A version that no set of this process had before: a clone that is changed must not pass for its
/// original changed in another way.
fn next_version() -> u64 {
    static VERSIONS: AtomicU64 = AtomicU64::new(0);
    VERSIONS.fetch_add(1, Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Parameters {
        Parameters::new([
            ("a".to_owned(), vec![2], vec![1.0, 2.0]),
            ("b".to_owned(), vec![1, 2], vec![3.0, 4.0]),
            ("c".to_owned(), vec![1], vec![5.0]),
        ])
    }

    #[test]
    fn freezing_moves_values_and_back() {
        let mut parameters = three();
        parameters.set_frozen(|name| name == "b");
        assert_eq!(parameters.trainable(), [1.0, 2.0, 5.0]);
        assert_eq!(parameters.get("b"), Some(&[3.0, 4.0][..]));
        assert_eq!(parameters.get("c"), Some(&[5.0][..]));
        parameters.set_frozen(|_| false);
        assert_eq!(parameters.trainable(), three().trainable());
    }

    #[test]
    fn changes_are_noticed() {
        let mut parameters = three();
        let before = parameters.version();
        parameters.trainable_mut()[0] = 9.0;
        assert_ne!(parameters.version(), before);
        assert_eq!(parameters.get("a"), Some(&[9.0, 2.0][..]));
    }

    #[test]
    fn decay_is_for_matrices() {
        let decays: Vec<_> = three().infos().iter().map(ParameterInfo::decays).collect();
        assert_eq!(decays, [false, true, false]);
    }
}
