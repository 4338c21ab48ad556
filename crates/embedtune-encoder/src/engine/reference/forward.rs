//! The forward pass in composed candle operations, each of which candle can differentiate. (Its
//! fused `LayerNorm`, `softmax_last_dim` and the like are not used: they cut the gradient without
//! an error.)

use candle_core::{D, DType, Device, Result, Tensor};

use super::store::Weights;
use crate::{
    Activation, Dense, DenseActivation, Dropout, EncoderSpec, HeadStep, PackedBatch, Pooling,
    TransformerSpec, arch::Affine, dropout::Site,
};

/// Sequences of a [`PackedBatch`] that are padded to a common length and run together.
pub(super) struct Group<'a> {
    batch: &'a PackedBatch,
    /// Sequence numbers in the batch.
    pub(super) sequences: Vec<usize>,
    /// Length all are padded to, in tokens.
    len: usize,
}

impl<'a> Group<'a> {
    /// Splits a batch into groups of similar length, of about `budget` padded tokens each.
    pub(super) fn plan(batch: &'a PackedBatch, budget: usize) -> Vec<Self> {
        let mut order: Vec<usize> = (0..batch.len()).collect();
        order.sort_by_key(|&index| std::cmp::Reverse(batch.sequence(index).len()));
        let mut groups: Vec<Self> = Vec::new();
        for index in order {
            match groups.last_mut() {
                Some(group) if (group.sequences.len() + 1) * group.len <= budget => {
                    group.sequences.push(index);
                }
                _ => {
                    let len = batch.sequence(index).len();
                    groups.push(Self { batch, sequences: vec![index], len });
                }
            }
        }
        groups
    }

    /// Token ids padded with 0, `(sequences × len)`.
    pub(super) fn padded_ids(&self) -> Vec<u32> {
        let mut ids = vec![0; self.sequences.len() * self.len];
        for (row, &index) in ids.chunks_mut(self.len.max(1)).zip(&self.sequences) {
            let sequence = self.batch.sequence(index);
            row[..sequence.len()].copy_from_slice(sequence);
        }
        ids
    }

    /// `(sequences, len)` of `value(sequence number, position)`.
    fn per_token(&self, value: impl Fn(usize, usize) -> f32, device: &Device) -> Result<Tensor> {
        let values: Vec<f32> = self
            .sequences
            .iter()
            .flat_map(|&index| (0..self.len).map(move |position| (index, position)))
            .map(|(index, position)| value(index, position))
            .collect();
        Tensor::from_vec(values, (self.sequences.len(), self.len), device)
    }
}

/// Everything a pass over one group needs.
pub(super) struct Pass<'a> {
    pub(super) spec: &'a EncoderSpec,
    pub(super) weights: &'a Weights,
    pub(super) group: &'a Group<'a>,
    pub(super) dropout: Option<&'a Dropout>,
    pub(super) device: &'a Device,
    pub(super) dtype: DType,
}

impl Pass<'_> {
    /// Embeddings, `(sequences, dim)`, from word vectors, `(sequences × len, hidden)`.
    pub(super) fn run(&self, words: &Tensor) -> Result<Tensor> {
        let mut hidden = self.embeddings(words)?;
        let bias = self.padding_bias()?;
        for layer in 0..self.spec.transformer.num_layers {
            hidden = self.attention(&hidden, layer, bias.as_ref())?;
            hidden = self.feed_forward(&hidden, layer)?;
        }
        self.head(&hidden)
    }

    fn transformer(&self) -> &TransformerSpec {
        &self.spec.transformer
    }

    fn embeddings(&self, words: &Tensor) -> Result<Tensor> {
        let names = &self.spec.names;
        let (batch, len) = (self.group.sequences.len(), self.group.len);
        let words = words.reshape((batch, len, self.transformer().hidden_size))?;
        let positions = self.weights.get(&names.positions)?.narrow(0, 0, len)?;
        // Single texts: every token is of type 0.
        let token_type = self.weights.get(&names.token_types)?.narrow(0, 0, 1)?;
        let sum = words.broadcast_add(&positions)?.broadcast_add(&token_type)?;
        let hidden = self.layer_norm(&sum, &names.embeddings_norm)?;
        self.drop_hidden(hidden, 0, Site::Embeddings)
    }

    /// `(sequences, 1, 1, len)`: 0 for tokens, very negative for padding; none without padding.
    fn padding_bias(&self) -> Result<Option<Tensor>> {
        let group = self.group;
        let len = |index: usize| group.batch.sequence(index).len();
        if group.sequences.iter().all(|&index| len(index) == group.len) {
            return Ok(None);
        }
        let bias = group
            .per_token(
                |index, position| if position < len(index) { 0.0 } else { -1e30 },
                self.device,
            )?
            .to_dtype(self.dtype)?
            .unsqueeze(1)?
            .unsqueeze(1)?;
        Ok(Some(bias))
    }

    fn attention(&self, hidden: &Tensor, layer: usize, bias: Option<&Tensor>) -> Result<Tensor> {
        let names = &self.spec.names.layers[layer];
        let (batch, len, size) = hidden.dims3()?;
        let (heads, head_dim) = (self.transformer().num_heads, self.transformer().head_dim());
        let split = |affine: &Affine| -> Result<Tensor> {
            let projected = self.linear(hidden, affine)?;
            projected.reshape((batch, len, heads, head_dim))?.transpose(1, 2)?.contiguous()
        };
        let (query, key, value) = (split(&names.query)?, split(&names.key)?, split(&names.value)?);
        let scores = (query.matmul(&key.t()?)? * (1.0 / (head_dim as f64).sqrt()))?;
        let scores = match bias {
            Some(bias) => scores.broadcast_add(bias)?,
            None => scores,
        };
        let probabilities = self.drop_attention(softmax(&scores)?, layer)?;
        let context = probabilities
            .matmul(&value)?
            .transpose(1, 2)?
            .contiguous()?
            .reshape((batch, len, size))?;
        let output = self.linear(&context, &names.attention_output)?;
        let output = self.drop_hidden(output, layer, Site::AttentionOutput)?;
        self.layer_norm(&(output + hidden)?, &names.attention_norm)
    }

    fn feed_forward(&self, hidden: &Tensor, layer: usize) -> Result<Tensor> {
        let names = &self.spec.names.layers[layer];
        let inner = self.linear(hidden, &names.intermediate)?;
        let inner = match self.transformer().activation {
            Activation::Gelu => {
                // candle's own gelu_erf rounds a constant of its gradient to six digits.
                ((&inner * 0.5)? * ((&inner * std::f64::consts::FRAC_1_SQRT_2)?.erf()? + 1.0)?)?
            }
            Activation::GeluTanh => inner.gelu()?,
            Activation::Relu => inner.relu()?,
        };
        let output = self.linear(&inner, &names.output)?;
        let output = self.drop_hidden(output, layer, Site::FeedForward)?;
        self.layer_norm(&(output + hidden)?, &names.output_norm)
    }

    fn linear(&self, input: &Tensor, affine: &Affine) -> Result<Tensor> {
        let (weight, bias) = (self.weights.get(&affine.weight)?, self.weights.get(&affine.bias)?);
        let (batch, len, width) = input.dims3()?;
        let rows = input.reshape((batch * len, width))?;
        let output = rows.matmul(&weight.t()?)?.broadcast_add(bias)?;
        output.reshape((batch, len, weight.dim(0)?))
    }

    fn layer_norm(&self, input: &Tensor, affine: &Affine) -> Result<Tensor> {
        let centered = input.broadcast_sub(&input.mean_keepdim(D::Minus1)?)?;
        let variance = centered.sqr()?.mean_keepdim(D::Minus1)?;
        let deviation = (variance + self.transformer().layer_norm_eps)?.sqrt()?;
        centered
            .broadcast_div(&deviation)?
            .broadcast_mul(self.weights.get(&affine.weight)?)?
            .broadcast_add(self.weights.get(&affine.bias)?)
    }

    fn drop_hidden(&self, hidden: Tensor, layer: usize, site: Site) -> Result<Tensor> {
        let Some(dropout) = self.dropout.filter(|dropout| dropout.hidden > 0.0) else {
            return Ok(hidden);
        };
        let (_, len, size) = hidden.dims3()?;
        let mut factors = Vec::with_capacity(hidden.elem_count());
        for &index in &self.group.sequences {
            for token in 0..len {
                let mask = dropout.token_mask(self.group.batch.slot(index), layer, site, token);
                factors.extend((0..size as u32).map(|feature| mask.factor(feature)));
            }
        }
        let factors = Tensor::from_vec(factors, hidden.shape(), self.device)?;
        hidden * factors.to_dtype(self.dtype)?
    }

    fn drop_attention(&self, probabilities: Tensor, layer: usize) -> Result<Tensor> {
        let Some(dropout) = self.dropout.filter(|dropout| dropout.attention > 0.0) else {
            return Ok(probabilities);
        };
        let (_, heads, len, _) = probabilities.dims4()?;
        let mut factors = Vec::with_capacity(probabilities.elem_count());
        for &index in &self.group.sequences {
            let slot = self.group.batch.slot(index);
            let masks: Vec<_> = (0..len)
                .map(|token| dropout.token_mask(slot, layer, Site::Attention, token))
                .collect();
            for head in 0..heads as u32 {
                for mask in &masks {
                    factors.extend((0..len as u32).map(|key| mask.factor(head << 16 | key)));
                }
            }
        }
        let factors = Tensor::from_vec(factors, probabilities.shape(), self.device)?;
        probabilities * factors.to_dtype(self.dtype)?
    }

    fn head(&self, hidden: &Tensor) -> Result<Tensor> {
        let mut pooled = self.pool(hidden)?;
        for step in &self.spec.head.steps {
            pooled = match step {
                HeadStep::Dense(dense) => self.dense(&pooled, dense)?,
                HeadStep::Normalize => {
                    let norm = pooled.sqr()?.sum_keepdim(1)?.sqrt()?;
                    pooled.broadcast_div(&norm.maximum(1e-12)?)?
                }
            };
        }
        Ok(pooled)
    }

    fn dense(&self, pooled: &Tensor, dense: &Dense) -> Result<Tensor> {
        let mut output = pooled.matmul(&self.weights.get(&dense.weight())?.t()?)?;
        if dense.bias {
            output = output.broadcast_add(self.weights.get(&dense.bias())?)?;
        }
        match dense.activation {
            DenseActivation::Identity => Ok(output),
            DenseActivation::Tanh => output.tanh(),
        }
    }

    fn pool(&self, hidden: &Tensor) -> Result<Tensor> {
        let group = self.group;
        let first = |index: usize| match self.spec.head.include_prompt {
            true => 0,
            false => group.batch.prompt_len(index),
        };
        let pooled =
            |index, position| (first(index)..group.batch.sequence(index).len()).contains(&position);
        let mask = |yes: f32, no: f32| -> Result<Tensor> {
            let value = |index, position| if pooled(index, position) { yes } else { no };
            group.per_token(value, self.device)?.to_dtype(self.dtype)?.unsqueeze(2)
        };
        match self.spec.head.pooling {
            Pooling::Cls => hidden.narrow(1, 0, 1)?.squeeze(1),
            Pooling::Max => hidden.broadcast_add(&mask(0.0, -1e9)?)?.max(1),
            Pooling::Mean | Pooling::MeanSqrtLen => {
                let mask = mask(1.0, 0.0)?;
                let sum = hidden.broadcast_mul(&mask)?.sum(1)?;
                let count = mask.sum(1)?.maximum(1e-9)?;
                if self.spec.head.pooling == Pooling::Mean {
                    sum.broadcast_div(&count)
                } else {
                    sum.broadcast_div(&count.sqrt()?)
                }
            }
        }
    }
}

/// Softmax over the last dimension.
fn softmax(scores: &Tensor) -> Result<Tensor> {
    // The maximum is a shift that cancels out: no gradient needs to pass through it.
    let shifted = scores.broadcast_sub(&scores.max_keepdim(D::Minus1)?.detach())?;
    let weights = shifted.exp()?;
    let total = weights.sum_keepdim(D::Minus1)?;
    weights.broadcast_div(&total)
}
