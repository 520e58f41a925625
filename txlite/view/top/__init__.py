"""One screen that follows a home, `txlite top`:

    snapshot   what there is to show at one moment
    gatherer   how it is gathered, from the store and /proc
    sight      what a person looks at: the pane, the line, the filter
    layout     both as lines for a screen of some size, of head, panes, window and spans: it knows no terminal
    log        the end of one task's output, as it grows
    errands    the verbs that keys stand for, run as processes of their own
    controls   what each key does
    terminal   the terminal, through curses
    screen     the loop over all of these

It promises to take no more than a hundredth of a core, to change nothing unasked, and to leave the terminal as it was.
"""
