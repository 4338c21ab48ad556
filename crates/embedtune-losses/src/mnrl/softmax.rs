//! The softmax over a row of similarities, and its gradient in the same place.

use std::ops::Range;

use super::{
    Direction, MnrlConfig, Partition,
    mask::{Masks, Term},
};
use crate::LossBatch;

/// Columns of one direction in a row of logits.
pub(super) struct Segment {
    pub(super) direction: Direction,
    pub(super) columns: Range<usize>,
}

/// The loss of a term, given its similarities in all directions.
pub(super) struct Softmax<'a> {
    config: &'a MnrlConfig,
    masks: Masks<'a>,
    pub(super) segments: Vec<Segment>,
    /// Columns over which a softmax is taken.
    groups: Vec<Range<usize>>,
    /// Columns in a row.
    pub(super) width: usize,
}

impl<'a> Softmax<'a> {
    pub(super) fn new(config: &'a MnrlConfig, batch: &'a LossBatch) -> Self {
        let mut width = 0;
        let mut segment = |&direction: &Direction| {
            let columns =
                if direction.against_candidates() { batch.candidates.len() } else { batch.len() };
            width += columns;
            Segment { direction, columns: width - columns..width }
        };
        let segments: Vec<Segment> = config.directions.iter().map(&mut segment).collect();
        let groups = match config.partition {
            Partition::Joint => std::iter::once(0..width).collect(),
            Partition::PerDirection => segments.iter().map(|part| part.columns.clone()).collect(),
        };
        Self { config, masks: Masks::new(config, batch), segments, groups, width }
    }

    /// The term's part of the loss. `row`, `(width)`, holds similarities and gets the gradient by
    /// them.
    pub(super) fn differentiate(&self, term: &Term, row: &mut [f32]) -> f64 {
        let temperature = self.config.temperature;
        for Segment { direction, columns } in &self.segments {
            self.masks.apply(*direction, term, &mut row[columns.clone()]);
        }
        let own: Vec<usize> = self.positives(term).collect();
        let positive = own.iter().map(|&column| f64::from(row[column])).sum::<f64>();
        let (held, groups) = (1.0 / own.len() as f64, 1.0 / self.groups.len() as f64);
        let mut loss = -positive * held / temperature;
        let slope = term.share / temperature;
        for columns in &self.groups {
            let (max, sum) = exponentials(&mut row[columns.clone()], temperature);
            loss += (f64::from(max) / temperature + sum.ln()) * groups;
            // `p − 1` is a small difference where the loss is small, so it is taken in f64.
            let scale = slope * groups / sum;
            let own = own.iter().copied().filter(|column| columns.contains(column));
            let own: Vec<(usize, f64)> =
                own.map(|column| (column, scale * f64::from(row[column]) - slope * held)).collect();
            row[columns.clone()].iter_mut().for_each(|value| *value *= scale as f32);
            own.into_iter().for_each(|(column, value)| row[column] = value as f32);
        }
        term.share * loss
    }

    /// Columns that hold the similarity of anchor and positive. The loss subtracts their mean: they
    /// are equal, and each then has its own part of the gradient, so that nothing large cancels.
    fn positives(&self, term: &Term) -> impl Iterator<Item = usize> {
        self.segments.iter().filter_map(|Segment { direction, columns }| match direction {
            Direction::QueryToDoc => Some(columns.start + term.positive as usize),
            Direction::DocToQuery => Some(columns.start + term.example),
            Direction::QueryToQuery | Direction::DocToDoc => None,
        })
    }
}

/// Replaces `row` by `exp((x − max) / temperature)`. Returns the maximum and the sum.
fn exponentials(row: &mut [f32], temperature: f64) -> (f32, f64) {
    const LANES: usize = 8;
    let inverse = (1.0 / temperature) as f32;
    let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut lanes = [0.0_f64; LANES];
    for part in row.chunks_mut(LANES) {
        for (value, lane) in part.iter_mut().zip(&mut lanes) {
            *value = ((*value - max) * inverse).exp();
            *lane += f64::from(*value);
        }
    }
    (max, lanes.iter().sum())
}
