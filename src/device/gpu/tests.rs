//! What only the inside can bring about: a device that goes away.

use super::{Adapter, GpuEngine};
use crate::device::{DeviceError, Engine, Layer, Term};
use crate::math::primes_below;
use crate::ring::{BlockMatrix, Shape, Tile};
use crate::scheme::{Parameters, ParametersLiteral};

fn engine() -> Option<GpuEngine> {
    let adapter = Adapter::any().ok()?;
    let primes = primes_below(1 << 30, 64).take(2).collect();
    let params = Parameters::new_insecure(ParametersLiteral::new(16, primes)).unwrap();
    Some(GpuEngine::open(&adapter, &params, None).unwrap())
}

#[test]
fn a_lost_device_is_an_error_everywhere() {
    let Some(engine) = engine() else { return };
    let tile = Tile::zeros(Shape { primes: 2, components: 2, rows: 3, degree: 16 });
    let matrix = BlockMatrix::from_rows(3, &[vec![(1, 1)]]).unwrap();
    let mut on_device = engine.upload(&tile).unwrap();
    let resident = engine.matrix(&matrix, true).unwrap();
    let mut out = engine.tile(Shape { components: 3, rows: 1, ..tile.shape() }).unwrap();

    engine.gpu.device.destroy();
    let is_lost = |e: DeviceError| matches!(e, DeviceError::Lost { .. });
    assert!(is_lost(engine.download(&on_device).unwrap_err()));
    assert!(is_lost(engine.tile(tile.shape()).unwrap_err()));
    assert!(is_lost(engine.fill(&mut on_device, 0, 3, &|_, _, _, _| ()).unwrap_err()));
    assert!(is_lost(engine.matrix(&matrix, false).unwrap_err()));
    let terms = [Term { tile: &on_device, matrix: &resident }];
    let layer =
        Layer { terms: &terms, bias: &[1, 2], primes: 2, first: 0, onto: false, switch: None };
    assert!(is_lost(engine.layer(&layer, &mut out, 0).unwrap_err()));
    assert!(is_lost(engine.kernels().ntt_inverse(1, &[0; 32]).unwrap_err()));
    assert!(is_lost(engine.wait().unwrap_err()));
}

/// As it is measured on hardware.
#[test]
fn every_form_has_its_cost() {
    let Some(engine) = engine() else { return };
    let costs = super::calibration::costs(&engine, false).unwrap();
    assert!(costs.halves > 0.0 && costs.dot > 0.0, "{costs:?}");
    assert_eq!(costs.wide.is_some(), engine.prelude() == super::Prelude::U64);
}

/// Two engines' tiles do not mix: the device itself refuses, and goes on working.
#[test]
fn foreign_tiles_are_errors() {
    let (Some(here), Some(there)) = (engine(), engine()) else { return };
    let tile = Tile::zeros(Shape { primes: 2, components: 2, rows: 1, degree: 16 });
    let foreign = there.upload(&tile).unwrap();
    let matrix = here.matrix(&BlockMatrix::from_rows(1, &[vec![(0, 1)]]).unwrap(), false).unwrap();
    let terms = [Term { tile: &foreign, matrix: &matrix }];
    let layer =
        Layer { terms: &terms, bias: &[0, 0], primes: 2, first: 0, onto: false, switch: None };
    assert!(here.compute(&layer).is_err());
    let own = here.upload(&tile).unwrap();
    assert_eq!(here.download(&own).unwrap(), tile);
}
