"""`menagerie sync`: what the tracking store has missed is sent."""

import click


@click.command()
def sync() -> None:
    """Send to the tracking store what waits in .work/outbox.

    What could not be sent while a server was away is sent in order, once; then the champion is chosen. In a
    repository that was moved or copied, the store is told first where its files are now.
    """
    from menagerie import paths, tracking
    from menagerie.params import load_params

    params = load_params(paths.PARAMS)  # first: away from the root, a new store would be made
    done = tracking.sync()
    if done.moved_from:
        click.echo(f"the store follows from {done.moved_from} to {paths.main_repository()}")
    click.echo(f"sent: {', '.join(done.sent) or 'nothing waited'}")
    for one in done.waiting:
        click.echo(f"waits on: {one}")
    if done.sent and paths.summary(params.dataset.name).exists():
        from menagerie.compare.crowning import crown
        from menagerie.report.results import evaluated

        results = evaluated(params)
        click.echo(crown(params.dataset.name, results.best["model"], results.model_files))
