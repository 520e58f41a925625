"""The schema: its version, and the tables that there are since.

It states its own rules, each with a name, so that no program can break them quietly. Each of `versions` made a part.

    home          one row: who this database is, and since when its queue has been paused
    tasks         what is to be done; narrow, because claims walk it
    task_texts    its long text: 100 KB in the task's row would make claims twelve times slower
    dependencies  which task waits for which
    attempts      each run of a task; its id is the claim's token, so tokens only grow; the task's `token` names
                  the last one and `previous` the one before: a list needs no index, which each claim would write
    attempt_texts the end of an attempt's output
    claims        the holds of this moment: at most one a task, because the task is the key; `verdict` is what
                  was decided about the task while its agent still ran, `stopping` that the agent is to be stopped
    workers       processes that claim, and names used by hand
    supervisors   the runs, and how many workers each should have
    batches       what each `run` added, as a range of tasks
    groups        how many tasks of each may be in work at a time
    launches      how a launched task is run; its worker is its own, and no other ever claims it
    loops         the runs of RALPH, each under its supervisor's id
    trials        attempts of a loop: what their agents said, where their work lies, and what became of it
    agent_limits  until when the provider of an agent refuses to work
    dropped_agents  those that could not work, and take no more part in a loop
    usages        what attempts cost, by their agents' own words; what was not said is NULL
    reviews       the work of attempts that passed its gate and waits, or waited, for a person's word
    verdicts      what was said of it, and by whom: a person ('') or an agent that reviews
    messages      what persons said to the agents of a task, and to which attempt each was told
    history       each change of a task's state, written by triggers
"""

APPLICATION_ID = 0x74786C74  # "txlt", in the file's header: not every SQLite file is ours
VERSION = 9  # the last of `versions`
