# Made by script/command-files from the commands' declarations. Do not edit.
_filemap_words() {
  mapfile -t COMPREPLY < <(compgen -W "$1" -- "$word")
}

_filemap_names() {
  local name
  mapfile -t COMPREPLY < <(compgen -f -- "$word")
  while IFS=$'\t' read -r name _; do
    name=${name#Local\\}
    [[ $name == "$word"* ]] && COMPREPLY+=("$name")
  done < <(filemap list 2>/dev/null)
}

_filemap() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} options
  if [ "$COMP_CWORD" -eq 1 ]; then
    _filemap_words "list dump watch get set create copy record replay send receive publish follow listen connect lock wait dict doctor --help --version"
    return
  fi
  case $before in
    --header|--from) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    --abi) _filemap_words 'linux64 linux32 win64 win32 arm64 arm32 riscv64 ppc64le s390x'; return ;;
    --as) _filemap_words 'string integer float boolean'; return ;;
  esac
  case ${COMP_WORDS[1]}:$COMP_CWORD in
    dict:3) _filemap_words 'get set delete incr list create'; return ;;
  esac
  case ${COMP_WORDS[1]} in
    list) options='--help --json' ;;
    dump) options='--help --offset --length --file' ;;
    watch) options='--help --header --type --offset --abi --guard --interval --once --file --json' ;;
    get) options='--help --header --type --abi --guard --offset --file --json' ;;
    set) options='--help --header --type --abi --offset --file' ;;
    create) options='--help --from --mode' ;;
    copy) options='--help --file' ;;
    record) options='--help --rate --duration --file' ;;
    replay) options='--help --speed --loop --hold' ;;
    send) options='--help --raw --timeout' ;;
    receive) options='--help --count --timeout --raw --json --capacity --max' ;;
    publish) options='--help --raw --json --capacity --hold' ;;
    follow) options='--help --timeout --count --raw --json' ;;
    listen) options='--help --raw --keep --capacity' ;;
    connect) options='--help --raw --timeout' ;;
    lock) options='--help -n --nonblock -w --wait' ;;
    wait) options='--help --timeout --create --manual' ;;
    dict) options='--help --as --ttl --capacity --json' ;;
    doctor) options='--help --json' ;;
  esac
  if [[ $word == -* ]]; then _filemap_words "$options"; else _filemap_names; fi
}
complete -o filenames -F _filemap filemap
