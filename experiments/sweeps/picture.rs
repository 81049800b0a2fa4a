//! A sweep's picture.

use crate::Failure;
use crate::sweep::{Drawn, Sweep};
use crate::table::Row;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;
use std::path::Path;

const SIZE: (u32, u32) = (560, 380);

/// Hues of middle lightness, without a background: readable on white and on black.
const GREY: RGBColor = RGBColor(128, 128, 128);
const CURVES: [RGBColor; 3] =
    [RGBColor(54, 132, 200), RGBColor(214, 114, 36), RGBColor(40, 155, 105)];

/// A name, and points.
type Curve<'a> = (&'a str, Vec<(f64, f64)>);

/// Draws y over x, or a bar a row.
///
/// # Errors
/// Where the file is not written.
pub fn draw(path: &Path, sweep: &Sweep, rows: &[Row]) -> Result<(), Failure> {
    let mut all: Vec<Curve<'_>> = Vec::new();
    for row in rows {
        let point = (row.x, (sweep.y.1)(row));
        match all.iter_mut().find(|(name, _)| *name == row.curve) {
            Some((_, points)) => points.push(point),
            None => all.push((&row.curve, vec![point])),
        }
    }
    let points = || all.iter().flat_map(|(_, points)| points);
    let least = |of: fn(&(f64, f64)) -> f64| points().map(of).fold(f64::INFINITY, f64::min);
    let most = |of: fn(&(f64, f64)) -> f64| points().map(of).fold(0.0, f64::max);
    let (x, y) = (most(|p| p.0), most(|p| p.1));
    match sweep.drawn {
        Drawn::ByFactors => {
            let (xs, ys) = (least(|p| p.0) / 1.3..x * 1.3, least(|p| p.1) / 1.5..y * 1.5);
            let ticks = (points().map(|p| p.0).collect(), ticks(ys.start, ys.end));
            let xs = xs.log_scale().with_key_points(ticks.0);
            curves(path, sweep, &all, xs, ys.log_scale().with_key_points(ticks.1))
        }
        Drawn::Even => curves(path, sweep, &all, 0.0..x * 1.1, 0.0..y * 1.1),
        Drawn::Bars => bars(path, sweep, &all, (least(|p| p.1) / 2.0, y * 1.5)),
    }
}

/// 1, 2, 5, 10, … from one value to another.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let decades = low.log10().floor() as i32..=high.log10().ceil() as i32;
    let ticks = decades.flat_map(|d| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(d)));
    ticks.filter(|tick| (low..=high).contains(tick)).collect()
}

/// With as many digits as it has, four behind the point at most.
fn number(value: &f64) -> String {
    format!("{value:.4}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn text(size: i32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&GREY)
}

fn curves<X, Y>(path: &Path, sweep: &Sweep, all: &[Curve<'_>], xs: X, ys: Y) -> Result<(), Failure>
where
    X: AsRangedCoord<Value = f64>,
    Y: AsRangedCoord<Value = f64>,
    X::CoordDescType: ValueFormatter<f64>,
    Y::CoordDescType: ValueFormatter<f64>,
{
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    let mut chart = ChartBuilder::on(&root)
        .caption(sweep.question, text(16))
        .margin(10)
        .x_label_area_size(38)
        .y_label_area_size(64)
        .build_cartesian_2d(xs, ys)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GREY.mix(0.25))
        .axis_style(GREY)
        .label_style(text(13))
        .x_label_formatter(&number)
        .y_label_formatter(&number)
        .x_desc(sweep.unit)
        .y_desc(sweep.y.0)
        .draw()?;
    for ((name, points), colour) in all.iter().zip(CURVES.into_iter().cycle()) {
        let line = LineSeries::new(points.iter().copied(), colour.stroke_width(2));
        let drawn = chart.draw_series(line)?;
        if !name.is_empty() {
            drawn.label(*name).legend(move |(x, y)| {
                PathElement::new(vec![(x, y), (x + 22, y)], colour.stroke_width(2))
            });
        }
        chart.draw_series(points.iter().map(|&at| Circle::new(at, 3, colour.filled())))?;
    }
    if all.len() > 1 {
        let labels = &mut chart.configure_series_labels();
        labels.position(SeriesLabelPosition::UpperLeft).label_font(text(13)).draw()?;
    }
    Ok(root.present()?)
}

/// A bar for each curve, the first on top, its name above it.
fn bars(path: &Path, sweep: &Sweep, all: &[Curve<'_>], ys: (f64, f64)) -> Result<(), Failure> {
    let xs = (ys.0..ys.1).log_scale().with_key_points(ticks(ys.0, ys.1));
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    let mut chart = ChartBuilder::on(&root)
        .caption(sweep.question, text(16))
        .margin(10)
        .x_label_area_size(38)
        .build_cartesian_2d(xs, 0.0..all.len() as f64)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GREY.mix(0.25))
        .axis_style(GREY)
        .label_style(text(13))
        .x_label_formatter(&number)
        .x_desc(sweep.y.0)
        .draw()?;
    for (place, (name, points)) in all.iter().rev().enumerate() {
        let Some(&(_, value)) = points.first() else { continue };
        let low = place as f64;
        let corners = [(ys.0, low + 0.15), (value, low + 0.55)];
        chart.draw_series([Rectangle::new(corners, CURVES[0].filled())])?;
        let said = format!("{name}: {value:.0}");
        chart.draw_series([Text::new(said, (ys.0 * 1.02, low + 0.85), text(13))])?;
    }
    Ok(root.present()?)
}
