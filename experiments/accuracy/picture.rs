//! The picture: wrong answers against the degree, a panel for each data set.

use crate::Failure;
use crate::table::Row;
use plotters::coord::Shift;
use plotters::prelude::*;
use std::path::Path;

const PANEL: (u32, u32) = (430, 400);

/// Middle grey and hues of middle lightness, without a background: readable on white and on black.
const GREY: RGBColor = RGBColor(128, 128, 128);
const CURVES: [(&str, RGBColor); 3] = [
    ("N(0,1)", RGBColor(214, 114, 36)),
    ("calibrated", RGBColor(54, 132, 200)),
    ("trained on", RGBColor(40, 155, 105)),
];

/// From 20 of 10,000 images to all; fewer are drawn at the edge.
const ERRORS: std::ops::Range<f64> = 0.2..100.0;

type Panel<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Draws a panel for each data set that has rows of the deep networks.
pub fn draw(path: &Path, rows: &[Row]) -> Result<(), Failure> {
    let mut sets: Vec<&str> = Vec::new();
    for row in rows.iter().filter(|row| row.model != "cryptonets") {
        if !sets.contains(&row.dataset.as_str()) {
            sets.push(&row.dataset);
        }
    }
    if sets.is_empty() {
        return Ok(());
    }
    let size = (PANEL.0 * sets.len() as u32, PANEL.1);
    let root = SVGBackend::new(path, size).into_drawing_area();
    for (place, area) in root.split_evenly((1, sets.len())).iter().enumerate() {
        let of_set = |row: &&Row| row.dataset == sets[place] && row.model != "cryptonets";
        panel(area, sets[place], &rows.iter().filter(of_set).collect::<Vec<_>>(), place == 0)?;
    }
    Ok(root.present()?)
}

fn wrong(accuracy: Option<f64>) -> Option<f64> {
    accuracy.map(|accuracy| (100.0 - accuracy).max(ERRORS.start))
}

fn panel(area: &Panel<'_>, set: &str, rows: &[&Row], legend: bool) -> Result<(), Failure> {
    let text = |size: i32| ("sans-serif", size).into_font().color(&GREY);
    let mut chart = ChartBuilder::on(area)
        .caption(set, text(18))
        .margin(10)
        .x_label_area_size(38)
        .y_label_area_size(52)
        .build_cartesian_2d(1.5..6.5, ERRORS.log_scale())?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GREY.mix(0.25))
        .axis_style(GREY)
        .label_style(text(13))
        .x_labels(3)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y}"))
        .x_desc("degree of the polynomial")
        .y_desc("wrong answers, %")
        .draw()?;

    let relu = rows.iter().find(|row| row.activation == "ReLU");
    if let Some(error) = relu.and_then(|row| wrong(row.clear_accuracy)) {
        chart
            .draw_series([PathElement::new(
                vec![(1.5, error), (6.5, error)],
                GREY.stroke_width(2),
            )])?
            .label("ReLU, in the clear")
            .legend(|(x, y)| PathElement::new(vec![(x, y), (x + 22, y)], GREY.stroke_width(2)));
    }
    for (name, colour) in CURVES {
        let points = |accuracy: fn(&Row) -> Option<f64>| {
            let of_curve = rows.iter().filter(|row| row.activation == name);
            let point = |row: &&Row| Some((row.degree? as f64, wrong(accuracy(row))?));
            of_curve.filter_map(point).collect::<Vec<_>>()
        };
        chart
            .draw_series(LineSeries::new(points(|row| row.clear_accuracy), colour.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| {
                PathElement::new(vec![(x, y), (x + 22, y)], colour.stroke_width(2))
            });
        let clear = points(|row| row.clear_accuracy);
        chart.draw_series(clear.into_iter().map(|at| Circle::new(at, 3, colour.filled())))?;
        let encrypted = points(|row| row.encrypted_accuracy).into_iter();
        chart.draw_series(encrypted.map(|at| Circle::new(at, 7, colour.stroke_width(2))))?;
    }
    chart
        .draw_series(std::iter::empty::<Circle<(f64, f64), i32>>())?
        .label("encrypted")
        .legend(|(x, y)| Circle::new((x + 11, y), 7, GREY.stroke_width(2)));
    if legend {
        // No curve comes by there: what is calibrated or trained on stays below, N(0, 1) above.
        let labels = &mut chart.configure_series_labels();
        labels.position(SeriesLabelPosition::MiddleRight).label_font(text(13)).draw()?;
    }
    Ok(())
}
