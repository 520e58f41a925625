# Completion of txlite for bash, made by `txlite completion bash`. To have it in each new shell:
#
#     mkdir -p ~/.local/share/bash-completion/completions
#     txlite completion bash > ~/.local/share/bash-completion/completions/txlite
#     ln -sf txlite ~/.local/share/bash-completion/completions/tx
#
# or, without the package bash-completion, in ~/.bashrc:  eval "$(txlite completion bash)"
# It serves bin/txlite and other paths to it as well; for `python3 -m txlite` call that by a function of your own:
#     txlite() { python3 -m txlite "$@"; }

@TABLES@

# Ask the home at hand: KIND, the beginning of the word, the verb. Nothing that was typed is evaluated.
_txlite_ask() {
    local program=${_txlite_words[0]}
    program=${program/#\~\//$HOME/}
    if [[ $(type -t -- "$program") == alias ]]; then
        local -a call
        read -r -a call <<< "${BASH_ALIASES[$program]}"
    else
        local -a call=("$program")
    fi
    command -v -- "${call[0]}" > /dev/null || return
    "${call[@]}" ${_txlite_home:+"--home=${_txlite_home/#\~\//$HOME/}"} complete "$1" "$2" "$3" 2> /dev/null < /dev/null
}

# Put into _txlite_lines what KIND says that may stand here; `before` of a list with commas stays as it was typed.
_txlite_offer() {
    local kind=$1 value=$2 verb=$3 before= line word
    local -a found=()
    if [[ $kind == ,* ]]; then
        kind=${kind#,}
        [[ $value != *,* ]] || { before=${value%,*},; value=${value##*,}; }
    fi
    case $kind in
        '?'*)
            while IFS= read -r line; do
                word=${line%%$'\t'*}
                # A name may hold anything: it is typed in as a word that stands for itself.
                [[ $word != *[^A-Za-z0-9_.,:=@%/+-]* ]] || printf -v line '%q\t%s' "$word" "${line#*$'\t'}"
                found+=("$line")
            done < <(_txlite_ask "${kind#?}" "${value//\\/}" "$verb") ;;
        '='*)
            for line in ${kind#=}; do
                [[ $line != "$value"* ]] || found+=("$line")
            done ;;
        file) compopt -o default 2> /dev/null ;;
        directory) compopt -o dirnames 2> /dev/null ;;
    esac
    for line in "${found[@]}"; do _txlite_lines+=("$before$line"); done
}

# What comes after a verb that takes a command: as bash completes that one, where the package bash-completion is here.
_txlite_command() {
    local first=$1 line
    if declare -F _command_offset > /dev/null; then
        _command_offset "$first"
    elif ((first < COMP_CWORD)); then
        compopt -o default 2> /dev/null
    else
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}")
    fi
}

# Make COMPREPLY of _txlite_lines; what a word is for is shown where bash lists them, and never typed in.
_txlite_reply() {
    local value=$1 line word tells width=0 cut= lists='33|63|64' # of COMP_TYPE: bash lists what there is
    [[ $value != *:* || $COMP_WORDBREAKS != *:* ]] || cut=${value%"${value##*:}"}
    if ((${#_txlite_lines[@]} < 2)) || ! [[ ${COMP_TYPE:-9} =~ ^($lists)$ ]]; then
        for line in "${_txlite_lines[@]}"; do
            word=${line%%$'\t'*}
            COMPREPLY+=("${word#"$cut"}")
        done
        return
    fi
    for line in "${_txlite_lines[@]}"; do
        word=${line%%$'\t'*}
        ((${#word} <= width)) || width=${#word}
    done
    for line in "${_txlite_lines[@]}"; do
        word=${line%%$'\t'*} tells=${line#"${line%%$'\t'*}"}
        printf -v line "%-${width}s  %s" "$word" "${tells#?}"
        line=${line:0:${COLUMNS:-80}-1}
        [[ $tells ]] || line=$word
        COMPREPLY+=("${line#"$cut"}")
    done
}

_txlite() {
    local i gap piece rest=$COMP_LINE value verb= waits= count=0 last line _txlite_home=
    local -a _txlite_words=() _txlite_lines=() _txlite_answer=() starts=()
    COMPREPLY=()
    compopt -o nosort 2> /dev/null
    # bash cuts words at : and =, too; what stands together is one.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        piece=${COMP_WORDS[i]}
        gap=${rest%%[^[:blank:]]*}
        rest=${rest#"$gap"}
        rest=${rest#"$piece"}
        if [[ $gap ]] || ((i == 0)); then
            _txlite_words+=("$piece")
            starts+=("$i")
        else
            _txlite_words[${#_txlite_words[@]} - 1]+=$piece
        fi
    done
    last=$((${#_txlite_words[@]} - 1))
    for ((i = 1; i < last; i++)); do
        piece=${_txlite_words[i]}
        if [[ $waits ]]; then
            [[ $waits != --home ]] || _txlite_home=$piece
            waits=
        elif [[ $piece == -- && $verb ]]; then
            _txlite_takes_command "$verb"
            [[ ${_txlite_answer[0]} != again ]] || { verb=; continue; }
            [[ ! ${_txlite_answer[0]} ]] || _txlite_command "${starts[i + 1]}"
            return
        elif [[ $piece == --*=* ]]; then
            [[ $piece != --home=* ]] || _txlite_home=${piece#*=}
        elif [[ $piece == -* ]]; then
            _txlite_value "$verb" "$piece"
            [[ ! ${_txlite_answer[0]} ]] || waits=$piece
        elif [[ ! $verb ]]; then
            _txlite_verb "$piece"
            verb=${_txlite_answer[0]}
        else
            _txlite_argument "$verb" "$count"
            [[ ${_txlite_answer[0]} != command ]] || { _txlite_command "${starts[i]}"; return; }
            ((count += 1))
        fi
    done
    value=${_txlite_words[last]}
    if [[ $waits ]]; then
        _txlite_value "$verb" "$waits"
    elif [[ $value == --*=* ]]; then
        _txlite_value "$verb" "${value%%=*}"
        value=${value#*=}
    elif [[ $value == -* ]]; then
        _txlite_options "$verb"
        _txlite_choose "$value"
        _txlite_answer=()
    elif [[ ! $verb ]]; then
        _txlite_verbs
        _txlite_choose "$value"
        _txlite_answer=()
    else
        _txlite_argument "$verb" "$count"
    fi
    if [[ ${_txlite_answer[0]} == command ]]; then
        _txlite_command "${starts[last]}"
        return
    fi
    _txlite_offer "${_txlite_answer[0]}" "$value" "$verb"
    _txlite_reply "$value"
}

# Keep those of the answers that begin so.
_txlite_choose() {
    local line
    for line in "${_txlite_answer[@]}"; do
        [[ $line != "$1"* ]] || _txlite_lines+=("$line")
    done
}

complete -F _txlite txlite tx
