//! A sweep's picture.

use crate::Failure;
use crate::sweep::Sweep;
use crate::table::Row;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;
use std::path::Path;

const SIZE: (u32, u32) = (520, 360);

/// Hues of middle lightness, without a background: readable on white and on black.
const GREY: RGBColor = RGBColor(128, 128, 128);
const CURVE: RGBColor = RGBColor(54, 132, 200);

/// Draws y over x.
pub fn draw(path: &Path, sweep: &Sweep, rows: &[Row]) -> Result<(), Failure> {
    let points: Vec<(f64, f64)> = rows.iter().map(|row| (row.x, (sweep.y.1)(row))).collect();
    let least = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).fold(f64::INFINITY, f64::min);
    let most = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).fold(0.0, f64::max);
    let (x, y) = (most(|p| p.0), most(|p| p.1));
    if sweep.by_factors {
        let (xs, ys) = (least(|p| p.0) / 1.3..x * 1.3, least(|p| p.1) / 1.5..y * 1.5);
        curve(path, sweep, &points, xs.log_scale(), ys.log_scale())
    } else {
        curve(path, sweep, &points, 0.0..x * 1.1, 0.0..y * 1.1)
    }
}

fn curve<X, Y>(
    path: &Path,
    sweep: &Sweep,
    points: &[(f64, f64)],
    xs: X,
    ys: Y,
) -> Result<(), Failure>
where
    X: AsRangedCoord<Value = f64>,
    Y: AsRangedCoord<Value = f64>,
    X::CoordDescType: ValueFormatter<f64>,
    Y::CoordDescType: ValueFormatter<f64>,
{
    let text = |size: i32| ("sans-serif", size).into_font().color(&GREY);
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
        .x_desc(sweep.unit)
        .y_desc(sweep.y.0)
        .draw()?;
    chart.draw_series(LineSeries::new(points.iter().copied(), CURVE.stroke_width(2)))?;
    chart.draw_series(points.iter().map(|&at| Circle::new(at, 3, CURVE.filled())))?;
    Ok(root.present()?)
}
