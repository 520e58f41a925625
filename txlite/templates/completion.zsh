#compdef txlite tx
# Completion of txlite for zsh, made by `txlite completion zsh`. To have it in each new shell, put it into a directory
# of $fpath under the name _txlite, before compinit is called in ~/.zshrc:
#
#     mkdir -p ~/.zfunc && txlite completion zsh > ~/.zfunc/_txlite
#     fpath=(~/.zfunc $fpath); autoload -Uz compinit && compinit         # in ~/.zshrc
#
# or, after compinit:  source <(txlite completion zsh)
# It serves bin/txlite and other paths to it as well; for `python3 -m txlite` call that by a function of your own:
#     txlite() { python3 -m txlite "$@" }

@TABLES@

# Ask the home at hand: KIND, the beginning of the word, the verb. Nothing that was typed is evaluated.
_txlite_ask() {
    local program=${(Q)words[1]}
    local -a call
    program=${program/#\~\//$HOME/}
    call=("$program")
    (( ! $+aliases[$program] )) || call=(${(z)aliases[$program]})
    (( $+commands[$call[1]] || $+functions[$call[1]] )) || [[ -x $call[1] ]] || return
    "${call[@]}" ${_txlite_home:+"--home=${_txlite_home/#\~\//$HOME/}"} complete "$1" "$2" "$3" 2> /dev/null < /dev/null
}

# Offer lines, each a word with what it is for behind a tab.
_txlite_show() {
    local line tab=$'\t' width=0
    local -a found shown
    for line in "$@"; do
        found+=("${line%%$tab*}")
        (( ${#found[-1]} <= width )) || width=${#found[-1]}
    done
    for line in "$@"; do
        if [[ $line == *$tab* ]]; then
            shown+=("${(r:width:)${line%%$tab*}}  ${line#*$tab}")
        else
            shown+=("$line")
        fi
    done
    (( $#found )) || return 1
    compadd $_txlite_unmatched -V txlite -l -d shown -a found
}

# Offer what KIND says; of a list with commas, what is typed after the last one.
_txlite_offer() {
    local kind=$1 verb=$2 value
    local -a found _txlite_unmatched
    if [[ $kind == ,* ]]; then
        kind=${kind#,}
        compset -P '*,'
    fi
    value=${(Q)PREFIX}
    case $kind in
        ('?'*)
            found=("${(@f)$(_txlite_ask "${kind#?}" "$value" "$verb")}")
            [[ -z $value || 'tx-' == $value* || $value == tx-* || $kind != '?ids' ]] || _txlite_unmatched=(-U)
            _txlite_show "${(@)found:#}" ;;
        ('='*) _txlite_show ${=kind#=} ;;
        (file) _files ;;
        (directory) _files -/ ;;
    esac
}

# What comes after a verb that takes a command: as zsh completes that one.
_txlite_command() {
    local first=$1
    words=("${(@)words[first,-1]}")
    (( CURRENT -= first - 1 ))
    _normal
}

_txlite() {
    local word verb waits _txlite_home
    local -i i count=0
    local -a _txlite_answer _txlite_unmatched
    for ((i = 2; i < CURRENT; i++)); do
        word=${(Q)words[i]}
        if [[ -n $waits ]]; then
            [[ $waits != --home ]] || _txlite_home=$word
            waits=
        elif [[ $word == -- && -n $verb ]]; then
            _txlite_takes_command "$verb"
            if [[ $_txlite_answer[1] == again ]]; then
                verb=
                continue
            fi
            [[ -z $_txlite_answer[1] ]] || _txlite_command $((i + 1))
            return
        elif [[ $word == --*=* ]]; then
            [[ $word != --home=* ]] || _txlite_home=${word#*=}
        elif [[ $word == -* ]]; then
            _txlite_value "$verb" "$word"
            [[ -z $_txlite_answer[1] ]] || waits=$word
        elif [[ -z $verb ]]; then
            _txlite_verb "$word"
            verb=$_txlite_answer[1]
        else
            _txlite_argument "$verb" "$count"
            if [[ $_txlite_answer[1] == command ]]; then
                _txlite_command $i
                return
            fi
            (( count += 1 ))
        fi
    done
    if [[ -n $waits ]]; then
        _txlite_value "$verb" "$waits"
    elif [[ $PREFIX == --*=* ]]; then
        _txlite_value "$verb" "${PREFIX%%=*}"
        compset -P '*='
    elif [[ $PREFIX == -* ]]; then
        _txlite_options "$verb"
        _txlite_show "${_txlite_answer[@]}"
        return
    elif [[ -z $verb ]]; then
        _txlite_verbs
        _txlite_show "${_txlite_answer[@]}"
        return
    else
        _txlite_argument "$verb" "$count"
    fi
    if [[ $_txlite_answer[1] == command ]]; then
        _txlite_command $CURRENT
        return
    fi
    _txlite_offer "$_txlite_answer[1]" "$verb"
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _txlite "$@"
else
    compdef _txlite txlite tx
fi
