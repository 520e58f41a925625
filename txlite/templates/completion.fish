# Completion of txlite for fish, made by `txlite completion fish`. To have it in each new shell:
#
#     txlite completion fish > ~/.config/fish/completions/txlite.fish
#     ln -sf txlite.fish ~/.config/fish/completions/tx.fish
#
# or, in this shell:  txlite completion fish | source
# It serves bin/txlite and other paths to it as well; for `python3 -m txlite` call that by a function of your own:
#     function txlite; python3 -m txlite $argv; end

@TABLES@

# Print what KIND says that may stand here, each word behind `before`: what was typed of it and stays.
function __txlite_offer --argument-names program home kind before value verb
    if string match -q ',*' -- $kind
        set kind (string sub -s 2 -- $kind)
        if string match -q '*,*' -- $value
            set before $before(string replace -r '[^,]*$' '' -- $value)
            set value (string replace -r '.*,' '' -- $value)
        end
    end
    switch $kind
        case '\?*'
            set -l asked complete (string sub -s 2 -- $kind) "$value" "$verb"
            test -z "$home"; or set -p asked --home=(string replace -r '^~/' $HOME/ -- $home)
            for line in ($program $asked 2>/dev/null </dev/null)
                printf '%s\n' $before$line
            end
        case '=*'
            for word in (string split ' ' -- (string sub -s 2 -- $kind))
                printf '%s\n' $before$word
            end
        case file
            for path in (__fish_complete_path $value)
                printf '%s\n' $before$path
            end
        case directory
            for path in (__fish_complete_directories $value '')
                printf '%s\n' $before$path
            end
    end
end

# Print what comes after a verb that takes a command: as fish completes that one.
function __txlite_command
    complete -C (string join ' ' -- (string escape -- $argv[1..-2]) "$argv[-1]")
end

function __txlite_candidates
    set -l words (commandline -opc)
    set -l value (commandline -ct)
    set -l program (string replace -r '^~/' $HOME/ -- $words[1])
    set -l verb ''
    set -l waits ''
    set -l home ''
    set -l count 0
    set -l kind
    for i in (seq 2 (count $words))
        set -l word $words[$i]
        if test -n "$waits"
            test "$waits" != --home; or set home $word
            set waits ''
        else if test "$word" = --; and test -n "$verb"
            set kind (__txlite_takes_command $verb)
            if test "$kind" = again
                set verb ''
                continue
            end
            test -z "$kind"; or __txlite_command $words[(math $i + 1)..] "$value"
            return
        else if string match -q -- '--*=*' $word
            string match -q -- '--home=*' $word; and set home (string sub -s 8 -- $word)
        else if string match -q -- '-*' $word
            test -z (__txlite_value "$verb" "$word"); or set waits $word
        else if test -z "$verb"
            set verb (__txlite_verb $word)
        else
            if test (__txlite_argument $verb $count) = command
                __txlite_command $words[$i..] "$value"
                return
            end
            set count (math $count + 1)
        end
    end
    set -l before ''
    if test -n "$waits"
        set kind (__txlite_value "$verb" $waits)
    else if string match -q -- '--*=*' $value
        set before (string replace -r '=.*' '=' -- $value)
        set kind (__txlite_value "$verb" (string replace -r '=.*' '' -- $value))
        set value (string replace -r '^[^=]*=' '' -- $value)
    else if string match -q -- '-*' $value
        __txlite_options "$verb"
        return
    else if test -z "$verb"
        __txlite_verbs
        return
    else
        set kind (__txlite_argument $verb $count)
    end
    if test "$kind" = command
        __txlite_command "$value"
        return
    end
    __txlite_offer "$program" "$home" "$kind" "$before" "$value" "$verb"
end

complete -c txlite -e
complete -c txlite -f -a '(__txlite_candidates)'
complete -c tx -w txlite
