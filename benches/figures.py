#!/usr/bin/env python3
"""Measures what the closing notes call figures, on the binary it is given.

    cargo build --release && python3 benches/figures.py target/release/rsds

Prints wall time and peak memory of small commands, calls and seconds of plan, apply and destroy of the dev
environment on the sandbox, wall time, CPU and memory of a plan of 100 consumers with 30 ms a call, and lines per part of
the tree. Changes nothing outside a temporary folder.
"""

import json
import os
import pathlib
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = pathlib.Path(sys.argv[1]).resolve()


def run(folder, *arguments, trace=False):
    """Runs rsds once; returns its standard output, seconds, and the AWS calls it made (with trace)."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "RSDS_"))}
    if trace:
        environment["RUST_LOG"] = "rsds::aws=debug"
    start = time.monotonic()
    done = subprocess.run([BINARY, *arguments], cwd=folder, env=environment, capture_output=True, text=True)
    seconds = time.monotonic() - start
    if done.returncode not in (0, 2):
        sys.exit(f"{arguments}: exit {done.returncode}\n{done.stderr}")
    return done.stdout, seconds, len(re.findall(r"\banswered\b", done.stderr))


def peak_mib(folder, *arguments):
    """Returns the peak memory of one run, measured in a process of its own."""
    code = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], capture_output=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    out = subprocess.run([sys.executable, "-c", code, BINARY, *arguments], cwd=folder, capture_output=True, text=True)
    return int(out.stdout) / 1024


def lines(pattern):
    return {path: sum(1 for _ in path.open()) for path in sorted(ROOT.glob(pattern))}


def graph_of_fifty(folder):
    """Prints how long the drawing of an estate with 50 consumers takes."""
    place = pathlib.Path(folder) / "fifty"
    (place / "environments").mkdir(parents=True)
    (place / "environments" / "dev.toml").write_text(
        'project = "airline"\nregion = "us-west-2"\n[networking]\nvpc_cidr = "10.40.0.0/16"\n'
        'subnet_cidrs = ["10.40.0.0/20", "10.40.16.0/20", "10.40.32.0/20"]\n'
        "[consumers.analytics]\ncount = 30\n[consumers.reporting]\ncount = 20\n"
    )
    times = [run(place, "graph", "--format", "svg")[1] for _ in range(5)]
    size = len(run(place, "graph", "--format", "svg")[0])
    print(f"graph --format svg of 50 consumers: median {statistics.median(times) * 1000:.0f} ms, {size / 1000:.0f} kB")


WEATHER_OF_HUNDRED = """
latency = "30ms"
[quotas]
"redshift-serverless/workgroups" = 200
"redshift-serverless/namespaces" = 200
"vpc/L-29B6F2EB" = 300
"""


def plan_of_hundred(folder):
    """Prints what a plan without changes of a producer and 100 consumers costs, with 30 ms a call."""
    place = pathlib.Path(folder) / "hundred"
    (place / "environments").mkdir(parents=True)
    (place / "environments" / "dev.toml").write_text(
        'project = "airline"\nregion = "us-west-2"\n[networking]\nvpc_cidr = "10.40.0.0/16"\n'
        'subnet_cidrs = ["10.40.0.0/20", "10.40.16.0/20", "10.40.32.0/20"]\n'
        "[consumers.analytics]\ncount = 60\nbase_capacity = 8\nmax_capacity = 16\n"
        "[consumers.reporting]\ncount = 40\nbase_capacity = 8\nmax_capacity = 16\n"
    )
    weather = place / "weather.toml"
    weather.write_text(WEATHER_OF_HUNDRED)
    sandbox = ["--sandbox", "--sandbox-weather", str(weather)]
    run(place, "apply", *sandbox, "--auto-approve", "--sandbox-speed", "300")
    # Where the time of the sandbox runs at the wall's pace, a call takes 30 ms on the wall.
    sandbox += ["--sandbox-speed", "1"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    times = [run(place, "plan", *sandbox, "--detailed-exitcode")[1] for _ in range(10)]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / 10
    calls = run(place, "plan", *sandbox, trace=True)[2]
    print(
        f"plan (no change) of 100 consumers at 30 ms a call: {calls} calls, median {statistics.median(times) * 1000:.0f} ms "
        f"on the wall, {cpu * 1000:.0f} ms of CPU, peak {peak_mib(place, 'plan', *sandbox):.1f} MiB"
    )


def main():
    print(f"binary: {BINARY.name}, {BINARY.stat().st_size / 1e6:.1f} MB")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "environments", pathlib.Path(folder) / "environments")
        for arguments in (["--version"], ["validate"]):
            times = [run(folder, *arguments)[1] for _ in range(20)]
            print(
                f"{' '.join(arguments)}: median {statistics.median(times) * 1000:.1f} ms, "
                f"peak {peak_mib(folder, *arguments):.1f} MiB"
            )
        graph_of_fifty(folder)
        plan_of_hundred(folder)
        sandbox = ["--env", "dev", "--sandbox"]
        for name, arguments in (
            ("plan (fresh)", ["plan", *sandbox]),
            ("apply", ["apply", *sandbox, "--auto-approve", "--json"]),
            ("plan (no change)", ["plan", *sandbox, "--detailed-exitcode"]),
            ("destroy", ["destroy", *sandbox, "--auto-approve", "--json"]),
        ):
            out, seconds, calls = run(folder, *arguments, trace=True)
            last = json.loads(out.splitlines()[-1]) if "--json" in arguments else {}
            aws = f", {last['seconds']:.0f} s of AWS time" if "seconds" in last else ""
            print(f"{name}: {calls} calls, {seconds:.2f} s on the wall{aws}")
        print(f"peak of a no-change plan: {peak_mib(folder, 'plan', *sandbox):.1f} MiB")
    kinds = [path for path in lines("src/aws/*.rs") if "\nimpl Kind for " in path.read_text()]
    sizes = sorted(lines("src/aws/*.rs")[path] for path in kinds)
    print(f"kinds: {len(sizes)}, lines a file: min {sizes[0]}, median {statistics.median(sizes):.0f}, max {sizes[-1]}")
    total, sandbox = sum(lines("src/**/*.rs").values()), sum(lines("src/sandbox/**/*.rs").values())
    print(f"lines: src {total}, of these sandbox {sandbox}, rest {total - sandbox}; tests {sum(lines('tests/**/*.rs').values())}")


if __name__ == "__main__":
    main()
