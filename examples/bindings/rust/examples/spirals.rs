//! Trains a small network from Rust, and checks what a binding has to get right besides: errors, a callback
//! into Rust, threads, and a model file.
//!
//! SPDX-License-Identifier: MIT
use monoforward::{abi, Error, Layer, Mode, Network, Optimizer, Workspace};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::process::ExitCode;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const CLASSES: usize = 3;
const WIDTH: usize = 64;
const STEPS: usize = 400; // one layer after the other on each batch
const BATCHES: usize = 100; // both layers at the same time
const ROWS: usize = 96;
const TEST_ROWS: usize = 1200;
const LEAST: f64 = 98.0; // percent

/// Points, and which of three spiral arms each is on: the same problem in every language of these examples.
struct Points {
    x: Vec<f32>,
    labels: Vec<i32>,
}

/// Marsaglia's xorshift: three lines in any language, and the same numbers in all of them.
struct Generator(u32);

impl Generator {
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        f64::from(self.0 >> 8) / f64::from(1 << 24)
    }

    fn draw(&mut self, rows: usize) -> Points {
        const TWIST: f64 = 4.0; // radians from the inner end of an arm to the outer one
        const SPREAD: f64 = 0.8; // width of an arm in radians; the next one begins 2.1 further on
        let mut points = Points {
            x: Vec::with_capacity(2 * rows),
            labels: Vec::with_capacity(rows),
        };
        for class in (0..CLASSES).cycle().take(rows) {
            let arm = std::f64::consts::TAU * class as f64 / CLASSES as f64;
            let radius = 0.1 + 0.9 * self.unit();
            let angle = arm + TWIST * radius + SPREAD * (self.unit() - 0.5);
            points
                .x
                .extend([(radius * angle.cos()) as f32, (radius * angle.sin()) as f32]);
            points.labels.push(class as i32);
        }
        points
    }
}

fn ensure(condition: bool, complaint: impl Into<String>) -> Outcome<()> {
    if condition {
        Ok(())
    } else {
        Err(complaint.into().into())
    }
}

/// An error path: the call has failed, for this reason.
fn expect<T>(result: Result<T, Error>, status: i32) -> Outcome<Error> {
    match result {
        Ok(_) => Err(format!("no error, expected status {}", status).into()),
        Err(error) if error.status() == status && error.to_string().len() > error.name().len() + 2 => {
            Ok(error)
        }
        Err(error) => Err(format!("{}, expected status {}", error, status).into()),
    }
}

fn train(draws: &mut Generator) -> Outcome<(Network, Workspace)> {
    let optimizer = Optimizer::new(|spec| spec.learning_rate = 0.01)?;
    let layers = [
        Layer::dense(2, WIDTH, CLASSES, 1)?,
        Layer::dense(WIDTH, WIDTH, CLASSES, 2)?,
    ];
    let mut network = Network::new(layers, optimizer)?;
    let mut workspace = Workspace::new(&network, TEST_ROWS)?;
    for _ in 0..STEPS {
        let batch = draws.draw(ROWS);
        network.step(&mut workspace, &batch.x, &batch.labels)?;
    }
    Ok((network, workspace))
}

/// A callback: the pipeline reports every layer's loss to a closure.
fn refine(network: &mut Network, draws: &mut Generator) -> Outcome<(usize, f64)> {
    monoforward::one_blas_thread()?;
    network.set(abi::MF_OPTIMIZER_LEARNING_RATE, 0.002)?;
    let (mut reports, mut loss) = (0, 0.0);
    let listen = |report: &monoforward::PipelineReport| {
        reports += 1;
        loss += report.loss / (2 * BATCHES) as f64;
        false
    };
    network.pipeline(2, ROWS, listen, |pipeline| {
        for _ in 0..BATCHES {
            let batch = draws.draw(ROWS);
            pipeline.submit(&batch.x, &batch.labels)?;
        }
        pipeline.flush()
    })?;
    ensure(
        reports == 2 * BATCHES,
        format!("{} reports instead of {}", reports, 2 * BATCHES),
    )?;
    Ok((reports, loss))
}

/// A callback stops its pipeline by returning true.
fn stop(network: &mut Network, draws: &mut Generator) -> Outcome<()> {
    let batch = draws.draw(ROWS);
    for answer in [true, false] {
        let learned = network.pipeline(
            0,
            ROWS,
            |_| answer,
            |pipeline| {
                pipeline.submit(&batch.x, &batch.labels)?;
                pipeline.flush()
            },
        );
        let status = learned.err().map(|error| error.status());
        ensure(
            status == answer.then_some(abi::MF_STATUS_STATE),
            format!("true stops, false goes on: {} gave {:?}", answer, status),
        )?;
    }
    Ok(())
}

/// A callback that panics stops its pipeline; the panic comes out of the call that it happened in.
fn interrupt(network: &mut Network, draws: &mut Generator) -> Outcome<()> {
    let batch = draws.draw(ROWS);
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ())); // it is meant: no trace on the screen
    let (caught, after) = network.pipeline(
        1,
        ROWS,
        |_| panic!("enough"),
        |pipeline| {
            let work = || {
                pipeline
                    .submit(&batch.x, &batch.labels)
                    .and_then(|()| pipeline.flush())
            };
            let caught = catch_unwind(AssertUnwindSafe(work));
            Ok((caught, pipeline.submit(&batch.x, &batch.labels)))
        },
    )?;
    std::panic::set_hook(hook);
    let said = caught
        .err()
        .and_then(|payload| payload.downcast_ref::<&str>().copied());
    ensure(
        said == Some("enough"),
        format!("the panic came out as {:?}", said),
    )?;
    expect(after, abi::MF_STATUS_STATE).map(drop)
}

/// A label that does not exist is refused, and nothing has changed.
fn offend(network: &mut Network, workspace: &mut Workspace, draws: &mut Generator) -> Outcome<Error> {
    let before = network.parameter(0, "weight")?;
    let mut batch = draws.draw(ROWS);
    batch.labels[ROWS - 1] = CLASSES as i32;
    let failure = expect(
        network.step(workspace, &batch.x, &batch.labels),
        abi::MF_STATUS_LABEL,
    )?;
    ensure(before.len() == 2 * WIDTH, "the weights have another size")?;
    ensure(
        before == network.parameter(0, "weight")?,
        "a refused batch has changed the weights",
    )?;
    expect(
        network.step(workspace, &batch.x[1..], &batch.labels),
        abi::MF_STATUS_SHAPE,
    )?;
    expect(network.parameter(0, "no such"), abi::MF_STATUS_NOT_FOUND)?;
    Ok(failure)
}

fn accuracy(network: &Network, workspace: &mut Workspace, points: &Points) -> Outcome<f64> {
    network.evaluate(workspace, &points.x, &points.labels)?;
    let report = workspace.report_sum()?;
    Ok(100.0 * report.correct as f64 / report.rows as f64)
}

/// Many threads read one network, each with a workspace of its own, and see the same.
fn share(network: &Network, points: &Points) -> Outcome<()> {
    let answer = || -> Result<Vec<f32>, Error> {
        let mut workspace = Workspace::new(network, TEST_ROWS)?;
        network.probabilities(&mut workspace, Mode::Sum, &points.x)
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (0..3).map(|_| scope.spawn(answer)).collect();
        let own = answer()?;
        for other in others {
            let other = other.join().map_err(|_| "a thread has panicked")??;
            ensure(other == own, "threads see different probabilities")?;
        }
        Ok(())
    })
}

/// A model file: the network that it holds answers alike, also in another thread.
fn reload(network: &Network, workspace: &mut Workspace, points: &Points) -> Outcome<&'static str> {
    let path = std::env::temp_dir().join(format!("spirals-{}.safetensors", std::process::id()));
    network.save(&path)?;
    let loaded = Network::load(&path);
    std::fs::remove_file(&path)?;
    let loaded = loaded?;
    let x = points.x.clone();
    let answers = std::thread::spawn(move || {
        let mut workspace = Workspace::new(&loaded, TEST_ROWS)?;
        loaded.probabilities(&mut workspace, Mode::Sum, &x)
    });
    let answers = answers.join().map_err(|_| "the thread has panicked")??;
    let same = answers == network.probabilities(workspace, Mode::Sum, &points.x)?;
    ensure(same, "the loaded network answers differently")?;
    Ok("same")
}

/// The plane as the network sees it.
fn draw(network: &Network, workspace: &mut Workspace) -> Outcome<()> {
    const COLUMNS: usize = 48;
    const LINES: usize = 24;
    let middle = |i: usize, count: usize| 2.0 * (i as f32 + 0.5) / count as f32 - 1.0;
    let places =
        (0..COLUMNS * LINES).flat_map(|i| [middle(i % COLUMNS, COLUMNS), -middle(i / COLUMNS, LINES)]);
    let mut labels = vec![0; COLUMNS * LINES];
    network.predict(workspace, Mode::Sum, &places.collect::<Vec<f32>>(), &mut labels)?;
    for line in labels.chunks(COLUMNS) {
        println!(
            "{}",
            line.iter()
                .map(|&label| [".", "o", "#"][label as usize])
                .collect::<String>()
        );
    }
    Ok(())
}

fn run() -> Outcome<()> {
    let mut draws = Generator(1);
    let (mut network, mut workspace) = train(&mut draws)?;
    let (reports, loss) = refine(&mut network, &mut draws)?;
    stop(&mut network, &mut draws)?;
    interrupt(&mut network, &mut draws)?;
    let failure = offend(&mut network, &mut workspace, &mut draws)?;
    let points = Generator(2).draw(TEST_ROWS);
    let percent = accuracy(&network, &mut workspace, &points)?;
    share(&network, &points)?;
    let file = reload(&network, &mut workspace, &points)?;
    draw(&network, &mut workspace)?;
    println!(
        "result example=ffi-rust version={} accuracy={:.2} loss={:.4} reports={} refused={} model_file={}",
        monoforward::version(),
        percent,
        loss,
        reports,
        failure.name(),
        file
    );
    ensure(
        percent >= LEAST,
        format!("an accuracy of {:.2}%, expected at least {:.0}%", percent, LEAST),
    )
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(complaint) => {
            eprintln!("error: {}", complaint);
            ExitCode::FAILURE
        }
    }
}
