use crate::{AttentionShape, DropoutMask};

/// Attention within each sequence; see [`crate::attention`].
///
/// # Panics
/// If lengths do not fit together.
pub fn attention(
    shape: AttentionShape<'_>,
    projections: &[f64],
    masks: Option<&[DropoutMask]>,
    out: &mut [f64],
) {
    out.fill(0.0);
    for head in heads(shape, projections, masks) {
        for i in head.start..head.end {
            for (j, p) in (head.start..).zip(head.probabilities(i)) {
                let p = p * head.factor(i, j);
                add_scaled(p, head.part(VALUE, j), &mut out[head.at(1, 0, i)..][..head.dim]);
            }
        }
    }
}

/// Gradient of [`attention`], written to `d_projections`; see [`crate::attention_backward`].
///
/// # Panics
/// If lengths do not fit together.
pub fn attention_backward(
    shape: AttentionShape<'_>,
    projections: &[f64],
    masks: Option<&[DropoutMask]>,
    d_out: &[f64],
    d_projections: &mut [f64],
) {
    d_projections.fill(0.0);
    for head in heads(shape, projections, masks) {
        let mut add = |part, token, scale, x: &[f64]| {
            add_scaled(scale, x, &mut d_projections[head.at(3, part, token)..][..head.dim]);
        };
        for i in head.start..head.end {
            let p = head.probabilities(i);
            let d_out = &d_out[head.at(1, 0, i)..][..head.dim];
            let d_p: Vec<f64> = (head.start..head.end)
                .map(|j| head.factor(i, j) * dot(d_out, head.part(VALUE, j)))
                .collect();
            let mean = dot(&p, &d_p);
            for (j, (p, d_p)) in (head.start..).zip(p.iter().zip(&d_p)) {
                add(VALUE, j, p * head.factor(i, j), d_out);
                let d_score = p * (d_p - mean) / (head.dim as f64).sqrt();
                add(QUERY, i, d_score, head.part(KEY, j));
                add(KEY, j, d_score, head.part(QUERY, i));
            }
        }
    }
}

const QUERY: usize = 0;
const KEY: usize = 1;
const VALUE: usize = 2;

/// One head of one sequence.
struct Head<'a> {
    projections: &'a [f64],
    masks: Option<&'a [DropoutMask]>,
    start: usize,
    end: usize,
    heads: usize,
    number: usize,
    dim: usize,
}

fn heads<'a>(
    shape: AttentionShape<'a>,
    projections: &'a [f64],
    masks: Option<&'a [DropoutMask]>,
) -> impl Iterator<Item = Head<'a>> {
    let AttentionShape { ends, heads, head_dim: dim } = shape;
    let starts = std::iter::once(0).chain(ends.iter().copied());
    starts.zip(ends).flat_map(move |(start, &end)| {
        (0..heads).map(move |number| Head { projections, masks, start, end, heads, number, dim })
    })
}

impl Head<'_> {
    /// Place of a token's part in a matrix of so many parts a token.
    fn at(&self, parts: usize, part: usize, token: usize) -> usize {
        ((token * parts + part) * self.heads + self.number) * self.dim
    }

    fn part(&self, part: usize, token: usize) -> &[f64] {
        &self.projections[self.at(3, part, token)..][..self.dim]
    }

    /// What query token `i` attends to, before dropout: `softmax(query · keyᵀ / √head_dim)`.
    fn probabilities(&self, i: usize) -> Vec<f64> {
        let scale = 1.0 / (self.dim as f64).sqrt();
        let query = self.part(QUERY, i);
        let scores: Vec<f64> =
            (self.start..self.end).map(|j| scale * dot(query, self.part(KEY, j))).collect();
        let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let powers: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
        let sum: f64 = powers.iter().sum();
        powers.iter().map(|power| power / sum).collect()
    }

    /// Dropout's factor on the probability that query token `i` attends to key token `j`.
    fn factor(&self, i: usize, j: usize) -> f64 {
        let feature = (self.number << 16 | (j - self.start)) as u32;
        self.masks.map_or(1.0, |masks| f64::from(masks[i].factor(feature)))
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add_scaled(scale: f64, x: &[f64], sum: &mut [f64]) {
    sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += scale * x);
}
