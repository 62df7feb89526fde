//! Builds a residual block as one layer from Rust, and layers with other heads, and trains them. With
//! $MONOFORWARD_RESIDUAL, the program that tests/ffi/residual.c becomes, the parameters are compared with those of the
//! same layers in C, bit for bit.
//!
//! SPDX-License-Identifier: MIT
use monoforward::{abi, Builder, Layer, Matrix, Mode, Network, Optimizer, Result, Workspace};

type Outcome<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const ROWS: usize = 12;
const CLASSES: usize = 3;
const STEPS: usize = 30;

/// Two convolutions and a skip; gradients flow through all of it and stop at its input.
#[rustfmt::skip]
fn block(seed: u64) -> Result<Layer> {
    Builder::new(&[4, 6, 6], seed)
        .conv2d(4).batch_norm().relu()
        .conv2d(4).batch_norm().add(0).relu()
        .head(CLASSES).build()
}

fn ensure(condition: bool, complaint: impl Into<String>) -> Outcome<()> {
    if condition {
        Ok(())
    } else {
        Err(complaint.into().into())
    }
}

/// FNV-1a of all parameters of the first layer.
fn hash(network: &Network) -> Outcome<String> {
    let mut value: u64 = 0xcbf2_9ce4_8422_2325;
    for name in network.parameter_names(0)? {
        for byte in network.parameter(0, &name)?.iter().flat_map(|x| x.to_le_bytes()) {
            value = (value ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
    Ok(format!("{:016x}", value))
}

fn adam() -> Result<Optimizer> {
    Optimizer::new(|spec| spec.learning_rate = 0.01)
}

/// Trains a network, and returns its last loss.
fn learn(network: &mut Network, x: &[f32], labels: &[i32]) -> Outcome<f64> {
    let mut workspace = Workspace::new(network, ROWS)?;
    let mut losses = Vec::new();
    for _ in 0..STEPS {
        network.step(&mut workspace, x, labels)?;
        losses.push(workspace.report(0)?.loss);
    }
    ensure(losses[STEPS - 1] < losses[0] / 2.0, format!("{:?}", losses))?;
    Ok(losses[STEPS - 1])
}

fn answers(network: &Network, x: &[f32]) -> Result<Vec<f32>> {
    network.probabilities(&mut Workspace::new(network, ROWS)?, Mode::Last, x)
}

/// The network from a file of it.
fn reload(network: &Network) -> Outcome<Network> {
    let path = std::env::temp_dir().join(format!("residual-{}.safetensors", std::process::id()));
    network.save(&path)?;
    let loaded = Network::load(&path);
    std::fs::remove_file(&path)?;
    Ok(loaded?)
}

/// Heads that are more than a projection of the output, with units of their own: layers learn with them, and are the
/// same from a file. Returns the hash of each layer.
#[rustfmt::skip]
fn heads(x: &[f32], labels: &[i32]) -> Outcome<Vec<String>> {
    let dense = || Builder::new(&[144], 7).dense(16).relu(); // node 2, the output
    let values: Vec<f32> = (0..150).map(|i| (i * 37 % 64) as f32 / 32.0 - 1.0).collect();
    let given = Matrix::new(50, 3, &values)?;
    let builders = [
        // Of rank 4, for many classes: a step scores those of its labels, and ten that are drawn.
        dense()
            .unit(abi::MF_UNIT_DENSE, |spec| { spec.outputs = 4; spec.bias = 0; })
            .head_with(|spec| {
                spec.classes = 50;
                spec.output_node = 2;
                spec.sampling = abi::MF_SAMPLING_LOG_UNIFORM;
                spec.candidates = 10;
            }),
        // With a map, the last unit, that learns how alike rows are.
        dense()
            .dense(16)
            .head_with(|spec| { spec.classes = CLASSES; spec.similarity = 0.75; }),
        // With an auxiliary head of half the weight, and units of its own; the layer's head reads node 2.
        dense()
            .dense(8).relu()
            .unit(abi::MF_UNIT_DENSE, |spec| { spec.outputs = CLASSES; spec.loss_weight = 0.5; })
            .head_with(|spec| { spec.classes = CLASSES; spec.input_node = 2; }),
        // M is three columns that are given, and one that the layer learns.
        dense()
            .unit(abi::MF_UNIT_DENSE, |spec| { spec.outputs = 4; spec.bias = 0; })
            .head_shared(&given, |spec| { spec.classes = 50; spec.output_node = 2; }),
    ];
    let mut hashes = Vec::new();
    for mut builder in builders {
        let layer = builder.build()?;
        ensure(layer.shape()? == [16], "another shape")?;
        let mut network = Network::new([layer], adam()?)?;
        learn(&mut network, x, labels)?;
        let mut loaded = reload(&network)?;
        ensure(answers(&loaded, x)? == answers(&network, x)?, "the file answers otherwise")?;
        loaded.set_optimizer(adam()?)?;
        ensure(loaded.summary(ROWS)? == network.summary(ROWS)?, "the file has another network")?;
        hashes.push(hash(&network)?);
    }
    Ok(hashes)
}

#[rustfmt::skip]
fn other_units() -> Outcome<()> {
    let mut builder = Builder::new(&[2, 9, 9], 1)
        .conv2d_with(4, 3, 0, 2).leaky_relu(0.5).max_pool(2, 0).dropout(0.25, true).average_pool(2, 1)
        .dense(6).gelu().branch(5).dense(6).tanh().activation(abi::MF_ACTIVATION_IDENTITY)
        .add(7).head_with(|spec| { spec.classes = 2; spec.label_smoothing = 0.1; });
    ensure(builder.node() == 11, "another number of units")?;
    let layer = builder.build()?;
    let units = layer.units()?;
    ensure(units.len() == 11 && units[0].kind == abi::MF_UNIT_CONV2D, "other units")?;
    ensure(units[0].stride == [2; 2] && units[0].padding == [0; 2], "another convolution")?;
    ensure(units[1].leak == 0.5 && units[2].pool == abi::MF_POOL_MAX, "another leak or pool")?;
    ensure(units[3].dropout == 0.25 && units[3].dropout_maps == 1, "another dropout")?;
    ensure(units[4].pool == abi::MF_POOL_AVERAGE && units[7].inputs[0] == 5, "another branch")?;
    ensure(units[10].kind == abi::MF_UNIT_ADD && units[10].inputs == [10, 7], "another sum")?;
    ensure(layer.shape()? == [6], "another shape")
}

#[rustfmt::skip]
fn units_of_sequences() -> Outcome<()> {
    let layer = Builder::new(&[5, 4], 3).layer_norm().dense(6).silu().concat(0).global_pool().head(2).build()?;
    let units = layer.units()?;
    ensure(units.len() == 5 && units[0].kind == abi::MF_UNIT_LAYER_NORM, "other units")?;
    ensure(units[2].activation == abi::MF_ACTIVATION_SILU, "another activation")?;
    ensure(units[3].kind == abi::MF_UNIT_CONCAT && units[4].kind == abi::MF_UNIT_GLOBAL_POOL, "other units")?;
    ensure(layer.shape()? == [10], "another shape")?;
    let layer = Builder::new(&[2, 3, 4], 3).tokens().positions().dense(12).attention(2, true).transpose().flatten().head(2).build()?;
    let units = layer.units()?;
    ensure(units[0].kind == abi::MF_UNIT_TOKENS && units[1].kind == abi::MF_UNIT_POSITIONS, "other units")?;
    ensure(units[3].kind == abi::MF_UNIT_ATTENTION && units[3].heads == 2 && units[3].causal == 1, "no attention")?;
    let tokens = Builder::new(&[5], 3).embedding(9, 4).positions().head(2).build()?.units()?;
    ensure(tokens[0].kind == abi::MF_UNIT_EMBEDDING && tokens[0].vocabulary == 9 && tokens[0].outputs == 4, "no embedding")?;
    ensure(units[5].kind == abi::MF_UNIT_FLATTEN && layer.shape()? == [48], "another shape")
}

#[rustfmt::skip]
fn blocks() -> Outcome<()> {
    let layer = Builder::new(&[2, 6, 6], 1)
        .residual(0, 1).residual(4, 2).branch(7).bottleneck(4, 2).add(16).head(2).build()?;
    let units = layer.units()?;
    ensure(units.len() == 29 && units[5].kind == abi::MF_UNIT_ADD && units[5].inputs[1] == 0, "other units")?;
    ensure(units[7].outputs == 4 && units[7].stride == [2; 2], "another convolution")?;
    ensure(units[16].outputs == 1 && units[16].inputs[0] == 7 && units[24].inputs[0] == 7, "another branch")?;
    let mut sequence = Builder::new(&[5, 4], 1)
        .mixer().transformer(2, true)
        .block(abi::MF_BLOCK_TRANSFORMER, |spec| { spec.hidden = 7; spec.activation = abi::MF_ACTIVATION_SILU; })
        .head(2);
    ensure(sequence.node() == 32, "another number of units")?;
    let units = sequence.build()?.units()?;
    ensure(units[2].outputs == 2 && units[8].outputs == 16 && units[28].outputs == 7, "other products")?;
    ensure(units[14].heads == 2 && units[14].causal == 1, "another attention")?;
    ensure(units[9].activation == abi::MF_ACTIVATION_GELU, "another activation")?;
    ensure(units[29].activation == abi::MF_ACTIVATION_SILU, "another activation")?;
    ensure(Builder::new(&[4], 1).residual(0, 1).head(2).build().is_err(), "a residual block has read a row")
}

/// A label for each position of a sequence; one has none.
fn positions() -> Outcome<()> {
    let head = |spec: &mut abi::mf_head_spec| {
        spec.classes = 2;
        spec.kind = abi::MF_HEAD_POSITIONS;
    };
    let layer = Builder::new(&[3, 2], 1).dense(8).relu().head_with(head).build()?;
    let mut network = Network::new([layer], Optimizer::new(|spec| spec.learning_rate = 0.05)?)?;
    let mut workspace = Workspace::new(&network, 2)?;
    let x = [1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0];
    let y = [0, 1, 0, 1, 0, abi::MF_LABEL_IGNORED];
    for _ in 0..100 {
        network.step(&mut workspace, &x, &y)?;
    }
    let mut labels = [9; 6];
    network.predict(&mut workspace, Mode::Last, &x, &mut labels)?;
    ensure(labels == [0, 1, 0, 1, 0, 1], "other labels")?;
    let shares = network.probabilities(&mut workspace, Mode::Last, &x)?;
    ensure(shares.len() == 12, "another number of probabilities")?;
    let few = network.step(&mut workspace, &x, &y[..4]);
    ensure(few.is_err(), "too few labels were taken")
}

fn untrained(builder: &mut Builder) -> Outcome<Network> {
    Ok(Network::new([builder.build()?], Optimizer::new(|_| ())?)?)
}

/// What safe code has put into a spec's `shared` is not followed: the head has a projection of its own.
fn stray_pointer() -> Outcome<()> {
    let mut builder = Builder::new(&[2], 3).dense(4).head_with(|spec| {
        spec.classes = 3;
        spec.shared = 8 as *const abi::mf_matrix;
    });
    let network = untrained(&mut builder)?;
    let projection = network.parameter(0, "head.projection")?;
    ensure(projection.len() == 12, "another projection")
}

/// G = F E^T, with F behind the layer's output and E, [3, 2], no longer held but by the layer.
fn shared_matrix() -> Outcome<()> {
    let values = [1.0, -2.0, 0.5, 3.0, -1.5, 0.25];
    let matrix = Matrix::new(3, 2, &values)?;
    let mut builder = Builder::new(&[2], 3)
        .dense(4)
        .relu()
        .unit(abi::MF_UNIT_DENSE, |spec| {
            spec.outputs = 2;
            spec.bias = 0;
        })
        .head_shared(&matrix, |spec| {
            spec.classes = 3;
            spec.output_node = 2;
        });
    drop(matrix);
    let network = untrained(&mut builder)?;
    drop(builder);
    let names = network.parameter_names(0)?;
    ensure(
        names == ["units.1.weight", "units.1.bias", "units.3.weight"],
        "other parameters",
    )?;
    let x = [0.5, -1.0];
    let weight = network.parameter(0, &names[0])?;
    let bias = network.parameter(0, &names[1])?;
    let projection = network.parameter(0, &names[2])?;
    let hidden: Vec<f32> = (0..4)
        .map(|i| (weight[2 * i] * x[0] + weight[2 * i + 1] * x[1] + bias[i]).max(0.0))
        .collect();
    let dot = |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    let features: Vec<f32> = projection.chunks(4).map(|row| dot(row, &hidden)).collect();
    let powers: Vec<f32> = values.chunks(2).map(|row| dot(row, &features).exp()).collect();
    let mut workspace = Workspace::new(&network, 1)?;
    let found = network.probabilities(&mut workspace, Mode::Last, &x)?;
    let sum: f32 = powers.iter().sum();
    for (found, power) in found.iter().zip(&powers) {
        let expected = power / sum;
        ensure(
            (found - expected).abs() < 1e-5,
            format!("{} instead of {}", found, expected),
        )?;
    }
    ensure(found[0] != found[1], "all classes are alike")?;
    let few = Matrix::new(3, 2, &values[1..]).map(drop);
    ensure(
        few.err().map(|error| error.status()) == Some(abi::MF_STATUS_SHAPE),
        "too few values were taken",
    )
}

/// The best of many classes, of which steps score some that counts draw.
fn best_classes(x: &[f32]) -> Outcome<()> {
    let mut builder = Builder::new(&[144], 3).dense(8).relu().head_with(|spec| {
        spec.classes = 50;
        spec.sampling = abi::MF_SAMPLING_COUNTS;
        spec.candidates = 10;
    });
    let mut network = untrained(&mut builder)?;
    let counts: Vec<f32> = (1..=50).map(|i| i as f32).collect();
    network.set_parameter(0, "head.counts", &counts)?;
    ensure(network.parameter(0, "head.counts")? == counts, "other counts")?;
    let few = network.set_parameter(0, "head.counts", &counts[1..]);
    ensure(few.is_err(), "too few counts were taken")?;
    let mut workspace = Workspace::new(&network, ROWS)?;
    let shares = network.probabilities(&mut workspace, Mode::Last, x)?;
    let top = network.top(&mut workspace, Mode::Last, x, 3)?;
    ensure(
        top.labels.len() == 3 * ROWS && top.goodness.len() == 3 * ROWS,
        "other sizes",
    )?;
    for (row, all) in shares.chunks(50).enumerate() {
        let mut order: Vec<usize> = (0..50).collect();
        order.sort_by(|&a, &b| all[b].partial_cmp(&all[a]).expect("a share is no number"));
        for i in 0..3 {
            let at = 3 * row + i;
            ensure(top.labels[at] == order[i] as i32, "another class")?;
            ensure(
                (top.probabilities[at] - all[order[i]]).abs() < 1e-6,
                "another share",
            )?;
            ensure(
                i == 0 || top.goodness[at] <= top.goodness[at - 1],
                "another order",
            )?;
        }
    }
    let all = network.top(&mut workspace, Mode::Last, x, usize::MAX).map(drop);
    ensure(all.is_err(), "more classes than there are")
}

/// A network of a dense unit and a dense layer of this precision, when it has learned, and its loss.
fn dense_network(precision: i32, x: &[f32], labels: &[i32]) -> Outcome<(Network, f64)> {
    let unit = Builder::with(&[4, 6, 6], |spec| {
        spec.seed = 7;
        spec.precision = precision;
    });
    let layer = Layer::new(|spec| {
        spec.inputs = 16;
        spec.outputs = 8;
        spec.classes = CLASSES;
        spec.seed = 8;
        spec.precision = precision;
    })?;
    let layers = [unit.dense(16).relu().head(CLASSES).build()?, layer];
    let mut network = Network::new(layers, adam()?)?;
    let loss = learn(&mut network, x, labels)?;
    Ok((network, loss))
}

fn has_precision(network: &Network, precision: i32) -> Outcome<()> {
    for position in 0..2 {
        let found = network.describe(position)?.precision;
        ensure(found == precision, format!("the precision is {}", found))?;
    }
    Ok(())
}

/// Products in bf16: the layers learn, otherwise than in float32, and keep their precision in a file.
fn in_bf16(x: &[f32], labels: &[i32]) -> Outcome<()> {
    let (network, loss) = dense_network(abi::MF_PRECISION_BF16, x, labels)?;
    let (plain, other) = dense_network(abi::MF_PRECISION_FLOAT32, x, labels)?;
    ensure(loss != other, "the precision has no effect")?;
    has_precision(&network, abi::MF_PRECISION_BF16)?;
    has_precision(&plain, abi::MF_PRECISION_FLOAT32)?;
    has_precision(&reload(&network)?, abi::MF_PRECISION_BF16)
}

fn expect(result: Result<Layer>, status: i32) -> Outcome<()> {
    match result {
        Err(error) if error.status() == status => Ok(()),
        Err(error) => Err(format!("{}, expected status {}", error, status).into()),
        Ok(_) => Err(format!("no error, expected status {}", status).into()),
    }
}

fn main() -> Outcome<()> {
    let x: Vec<f32> = (0..ROWS * 144)
        .map(|i| (i * 7919 % 1009) as f32 / 1009.0)
        .collect();
    let labels: Vec<i32> = (0..ROWS).map(|i| (i % CLASSES) as i32).collect();
    let mut network = Network::new([block(7)?], adam()?)?;
    let drawn = hash(&network)?;
    let loss = learn(&mut network, &x, &labels)?;
    let mut hashes = vec![drawn, hash(&network)?];
    hashes.extend(heads(&x, &labels)?);
    let mut same = "not_asked";
    if let Ok(program) = std::env::var("MONOFORWARD_RESIDUAL") {
        let said = String::from_utf8(std::process::Command::new(program).output()?.stdout)?;
        ensure(
            said == hashes.join("\n") + "\n",
            format!("C has other parameters: {}", said),
        )?;
        same = "yes";
    }
    other_units()?;
    units_of_sequences()?;
    blocks()?;
    positions()?;
    stray_pointer()?;
    shared_matrix()?;
    best_classes(&x)?;
    in_bf16(&x, &labels)?;
    expect(
        Builder::new(&[4, 6, 6], 0)
            .conv2d(5)
            .add(0)
            .relu()
            .head(2)
            .build(),
        abi::MF_STATUS_SHAPE,
    )?;
    expect(Builder::new(&[4], 0).dense(5).build(), abi::MF_STATUS_STATE)?;
    expect(Builder::new(&[1, 2, 3, 4], 0).build(), abi::MF_STATUS_ARGUMENT)?;
    let summary = network.summary(ROWS)?;
    ensure(
        summary.contains("node 5 + node 0"),
        "the summary does not tell of the sum",
    )?;
    print!("{}", summary);
    println!(
        "result example=ffi-rust-residual version={} loss={:.4} same_as_c={}",
        monoforward::version(),
        loss,
        same
    );
    Ok(())
}
