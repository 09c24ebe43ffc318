/** The fence around a run: a script that Claude Code asks before each edit and command, and that refuses what reaches into another worktree or the main checkout. */

/**
 * Reads what a tool is about to do (JSON on stdin) and prints the places it is aimed at, one a line: `edit<TAB>path` or
 * `git<TAB>path`. POSIX awk, one process. Notes:
 * - records end at quotes, so that a large file that is being written passes through without being looked at;
 * - a command is read as a shell would, as far as that is sure: quotes, here-documents, `cd`, subshells, `sh -c`. A word that
 *   only the shell can know (`$x`, a wildcard) makes its place unknown, and what is unknown is let through.
 */
const READER = String.raw`
function hex(h,  i, n) { n = 0; for (i = 1; i <= 4; i++) n = n * 16 + index("0123456789abcdef", tolower(substr(h, i, 1))) - 1; return n }
function plain(text,  out, at, c) {
  out = ""
  while ((at = index(text, "\\")) > 0) {
    c = substr(text, at + 1, 1)
    out = out substr(text, 1, at - 1)
    if (c == "n") out = out "\n"; else if (c == "t") out = out "\t"; else if (c == "u") {
      at += 4; out = out (hex(substr(text, at - 2, 4)) < 128 ? sprintf("%c", hex(substr(text, at - 2, 4))) : "?")
    } else if (index("rbf", c) > 0) out = out " "; else out = out c
    text = substr(text, at + 2)
  }
  return out text
}
# An absolute path without . and .. ; empty when it is not known.
function place(path, from,  n, parts, i, out, kept) {
  if (path == "") return from
  if (substr(path, 1, 1) != "/") { if (from == "") return ""; path = from "/" path }
  n = split(path, parts, "/"); kept = 0
  for (i = 1; i <= n; i++) {
    if (parts[i] == "" || parts[i] == ".") continue
    if (parts[i] == "..") { if (kept > 0) kept--; continue }
    out[++kept] = parts[i]
  }
  path = ""; for (i = 1; i <= kept; i++) path = path "/" out[i]
  return path == "" ? "/" : path
}
function aim(kind, path) { if (path != "" && path !~ /[\n\t]/ && !((kind, path) in told)) { told[kind, path] = 1; print kind "\t" path } }
# Words of the command under way: word[1..words], sure[i] is 0 for one that only the shell can know.
function endWord() { if (open) { words++; word[words] = text; sure[words] = known }; text = ""; open = 0; known = 1 }
function endCommand(by,  i, w, name) {
  endWord(); i = 1
  split("", set)
  while (i <= words) {
    if (word[i] ~ /^[A-Za-z_][A-Za-z0-9_]*=/) { assign(set, i); i++ }
    else if (!sure[i]) break
    else if (word[i] ~ /^(if|while|until)$/) { deep++; at[deep] = cwd; i++ }
    else if (word[i] ~ /^(then|else|elif|do|!|[{])$/) i++
    else if (word[i] in takes) i = wrapped(i)
    else break
  }
  if (i > words) for (name in set) { assigned[name] = set[name]; if (name in exported) exported[name] = set[name] }
  if (i <= words && sure[i]) {
    w = word[i]
    if (w == "for" || w == "case") { deep++; at[deep] = cwd }
    else if (w ~ /^(fi|done|esac)$/) { if (deep > 0) { if (at[deep] != cwd) cwd = ""; deep-- } }
    else if (w == "cd" || w == "pushd") changeTo(i + 1)
    else if (w == "popd") cwd = ""
    else if (w ~ /^(export|declare|typeset)$/) keep(i + 1)
    else if (w == "unset") { for (i++; i <= words; i++) delete exported[word[i]] }
    else if (w ~ /^(ba|da|z|k)?sh$/ || w ~ /\/(ba|da|z|k)?sh$/) inner(i + 1)
    else if (w == "eval") { if (i < words && sure[i + 1]) later(word[i + 1]) }
    else if (w == "git" || w ~ /\/git$/) git(i + 1)
  }
  words = 0; maybe = (by == "||")
}
function changeTo(i,  before) {
  while (i <= words && sure[i] && (word[i] == "--" || word[i] ~ /^-[LPe@]+$/)) i++
  before = cwd
  if (i > words) cwd = home; else if (!sure[i] || word[i] == "-" || word[i] ~ /^[+-][0-9]/) cwd = ""; else cwd = place(word[i], cwd)
  # After || it may never have run.
  if (maybe && cwd != before) cwd = ""
}
function keep(i) {
  for (; i <= words; i++)
    if (word[i] ~ /^GIT_(DIR|WORK_TREE|COMMON_DIR)=/) assign(exported, i)
    else if (word[i] ~ /^GIT_(DIR|WORK_TREE|COMMON_DIR)$/ && word[i] in assigned) exported[word[i]] = assigned[word[i]]
}
function assign(to, i,  sign) { sign = index(word[i], "="); to[substr(word[i], 1, sign - 1)] = sure[i] ? below(substr(word[i], sign + 1), cwd) : "" }
# The word after a program that runs another one, and its options.
function wrapped(i,  w) {
  w = word[i++]
  while (i <= words && word[i] ~ /^-./) {
    if (w == "command" && word[i] ~ /^-[vV]/) return words + 1
    i += (takes[w] != "" && word[i] ~ takes[w]) ? 2 : 1
  }
  return (w == "timeout") ? i + 1 : i
}
# As git and the system follow a path: what .. means after a link is theirs to say.
function below(path, from) { if (path == "") return from; if (substr(path, 1, 1) == "/") return path; return from == "" ? "" : from "/" path }
function inner(i) {
  while (i <= words && sure[i] && word[i] ~ /^-/) { if (word[i] ~ /^-[a-z]*c$/) { if (i < words && sure[i + 1]) later(word[i + 1]); return } i++ }
}
function later(command) { if (queued < 20) { queued++; todo[queued] = command; todoAt[queued] = cwd } }
function git(i,  dir, w, aimed) {
  dir = cwd; aimed = 0
  for (; i <= words; i++) {
    w = word[i]
    if (w == "-C" && i < words) { i++; dir = sure[i] ? below(word[i], dir) : ""; continue }
    if ((w == "--git-dir" || w == "--work-tree") && i < words) { i++; if (sure[i]) aim("git", below(word[i], dir)); aimed = 1; continue }
    if (w ~ /^--(git-dir|work-tree)=/) { if (sure[i]) aim("git", below(substr(w, index(w, "=") + 1), dir)); aimed = 1; continue }
    if ((w == "-c" || w == "--namespace" || w == "--config-env") && i < words) { i++; continue }
    if (w ~ /^-/) continue
    break
  }
  for (w in exported) aim("git", exported[w])
  for (w in set) if (w ~ /^GIT_(DIR|WORK_TREE|COMMON_DIR)$/) aim("git", set[w])
  aim("git", dir)
  if (i < words && word[i] == "worktree" && word[i + 1] ~ /^(remove|move|unlock|lock|repair)$/)
    for (i += 2; i <= words; i++) if (sure[i] && word[i] !~ /^-/) aim("git", below(word[i], dir))
}
function push(kind) { level++; kinds[level] = kind; cwds[level] = cwd; texts[level] = text; opens[level] = open; counts[level] = words; quotes[level] = quote; maybes[level] = maybe; deeps[level] = deep
  for (k = 1; k <= words; k++) { saved[level, k] = word[k]; savedSure[level, k] = sure[k] }
  text = ""; open = 0; known = 1; words = 0; quote = ""; maybe = 0 }
function pop(  k) { endCommand(";"); cwd = cwds[level]; text = texts[level]; open = opens[level]; words = counts[level]; quote = quotes[level]; maybe = maybes[level]; deep = deeps[level]
  for (k = 1; k <= words; k++) { word[k] = saved[level, k]; sure[k] = savedSure[level, k] }
  known = 1
  if (kinds[level] != "(") { open = 1; known = 0 }
  level-- }
function variable(rest,  name) {
  if (match(rest, /^[{][A-Za-z_][A-Za-z0-9_]*[}]/)) { name = substr(rest, 2, RLENGTH - 2); eaten = RLENGTH }
  else if (match(rest, /^[A-Za-z_][A-Za-z0-9_]*/)) { name = substr(rest, 1, RLENGTH); eaten = RLENGTH }
  else { name = ""; eaten = match(rest, /^[{][^}]*[}]/) ? RLENGTH : 1 }
  open = 1
  if (name == "HOME") text = text home; else if (name == "PWD" && cwd != "") text = text cwd
  else if (name == "ORCHESTRATE_PROJECT") text = text ENVIRON["ORCHESTRATE_PROJECT"]
  else known = 0
}
function parse(command, from,  n, lines, l, line, c, m) {
  cwd = from; words = 0; text = ""; open = 0; known = 1; quote = ""; level = 0; deep = 0; maybe = 0; docs = 0
  n = split(command, lines, "\n")
  for (l = 1; l <= n && l <= 2000; l++) {
    line = lines[l]
    if (docs > 0 && quote == "") { c = line; if (strip[1]) sub(/^\t+/, "", c); if (c == doc[1]) { docs--; for (m = 1; m <= docs; m++) { doc[m] = doc[m + 1]; strip[m] = strip[m + 1] } } continue }
    while (line != "") {
      if (quote == "'") { m = index(line, "'"); if (m == 0) { text = text line; line = "" } else { text = text substr(line, 1, m - 1); line = substr(line, m + 1); quote = "" } continue }
      m = (quote == "\"") ? match(line, /["\\$${'`'}]/) : match(line, /[ \t;&|()<>"'\\$${'`'}#*?[~]/)
      if (m == 0) { text = text line; open = 1; line = ""; continue }
      if (m > 1) { text = text substr(line, 1, m - 1); open = 1; line = substr(line, m) }
      c = substr(line, 1, 1); line = substr(line, 2)
      if (c == "\\") { if (line == "") { joined = 1 } else { text = text substr(line, 1, 1); line = substr(line, 2); open = 1 } }
      else if (c == "\"") { open = 1; quote = (quote == "") ? "\"" : "" }
      else if (c == "'") { open = 1; quote = "'" }
      else if (c == "$") {
        if (substr(line, 1, 1) == "(") { line = substr(line, 2); push("$") }
        else if (quote == "" && substr(line, 1, 1) == "'") { known = 0 }
        else { variable(line); line = substr(line, eaten + 1) }
      }
      else if (c == "${'`'}") { if (level > 0 && kinds[level] == c) pop(); else push(c) }
      else if (c == " " || c == "\t") endWord()
      else if (c == "#") { if (open) text = text c; else line = "" }
      else if (c == "~") { if (!open && line ~ /^([\/ \t;&|)]|$)/) { text = home; open = 1 } else { if (!open) known = 0; text = text c; open = 1 } }
      else if (c == "*" || c == "?" || c == "[") { text = text c; open = 1; known = 0 }
      else if (c == "(") { if (words == 0 && !open) push("("); else { endWord(); if (substr(line, 1, 1) == ")") { line = substr(line, 2); words = 0 } } }
      else if (c == ")") { if (level > 0 && kinds[level] != "${'`'}") pop(); else { endWord(); words = 0 } }
      else if (c == "<") {
        if (line ~ /^<</) { line = substr(line, 3) }
        else if (line ~ /^<-?/) {
          docs++; strip[docs] = (substr(line, 2, 1) == "-"); line = substr(line, 2 + strip[docs]); sub(/^[ \t]+/, "", line)
          match(line, /^[^ \t;&|<>()]*/); doc[docs] = substr(line, 1, RLENGTH); line = substr(line, RLENGTH + 1); gsub(/["'\\]/, "", doc[docs])
        } else { endWord(); sub(/^&?[ \t]*[^ \t;&|<>()]*/, "", line) }
      }
      else if (c == ">") { if (text ~ /^[0-9]+$/) { text = ""; open = 0 } endWord(); sub(/^[>&|]*[ \t]*[^ \t;&|<>()]*/, "", line) }
      else if (c == ";") endCommand(";")
      else if (c == "&") { if (substr(line, 1, 1) == "&") { line = substr(line, 2); endCommand("&&") } else { endCommand(";") } }
      else if (c == "|") { if (substr(line, 1, 1) == "|") { line = substr(line, 2); endCommand("||") } else { m = cwd; endCommand("|"); if (m != cwd) cwd = "" } }
    }
    if (joined) { joined = 0; continue }
    if (quote != "") text = text "\n"; else endCommand(";")
  }
  endCommand(";")
}
BEGIN {
  # Programs that run another one, with their options that have a word of their own.
  takes["sudo"] = "^-[ugChpRrTtU]$"; takes["env"] = "^-[uCS]$"; takes["nice"] = "^-n$"; takes["exec"] = "^-a$"
  takes["xargs"] = "^-[EILnPsda]$"; takes["timeout"] = "^-[sk]$"; takes["time"] = takes["command"] = takes["builtin"] = takes["nohup"] = ""
  RS = "\""; inside = 0; depth = 0; home = ENVIRON["HOME"] }
{
  if (inside) {
    n = length($0); odd = 0; while (n > 0 && substr($0, n, 1) == "\\") { odd = !odd; n-- }
    if (wanted != "" || short) value = value $0
    if (odd) { if (wanted != "" || short) value = value "\""; next }
    inside = 0; last = value; next
  }
  if ($0 ~ /^[ \t\r\n]*:/) { key[depth] = last; isKey = 1 } else isKey = 0
  if (!isKey && pending != "") { got[pending] = last }
  pending = ""
  for (i = 1; i <= length($0); i++) { c = substr($0, i, 1); if (c == "{" || c == "[") { depth++; key[depth] = "" } else if (c == "}" || c == "]") depth-- }
  wanted = ""; short = 1
  if (isKey && $0 ~ /:[ \t\r\n]*$/) {
    short = 0
    if (depth == 1 && (key[1] == "cwd" || key[1] == "tool_name")) wanted = key[1]
    if (depth == 2 && key[1] == "tool_input" && (key[2] == "file_path" || key[2] == "notebook_path" || key[2] == "command")) wanted = key[2]
    pending = wanted
  }
  value = ""; inside = 1
}
END {
  tool = got["tool_name"]; from = plain(got["cwd"])
  if (tool == "Bash") {
    command = plain(got["command"])
    if (command !~ /git/ || length(command) > 200000) exit
    queued = 0; later(command); todoAt[1] = from
    for (job = 1; job <= queued; job++) parse(todo[job], todoAt[job])
  } else {
    path = plain(got["file_path"] != "" ? got["file_path"] : got["notebook_path"])
    if (path == "~" || path ~ /^~\//) path = home substr(path, 2)
    if (path != "") aim("edit", place(path, from))
  }
}
`.trim();

/** How the script says that it refuses: no other end of a shell has this status. */
const REFUSED = 97;

/**
 * POSIX sh, run as `/bin/sh "$ORCHESTRATE_FENCE"`; refuses by status 97 and a text on stderr. Notes:
 * - the nearest directory that is one of ours decides: own worktree, temporary directory and Claude Code's own plans (which
 *   plan mode writes) let through, the main checkout and the directory of all worktrees do not. Directories are told by what
 *   they are (`-ef`), so that links and letter case do not matter;
 * - it refuses only what it knows: a place that is not there, an awk that is not there, a text that it cannot read let through.
 */
// biome-ignore-start lint/suspicious/noTemplateCurlyInString: these are the shell's
export const FENCE_SCRIPT = [
  '# Made by orchestrate. Keeps edits and git commands of a run in its own worktree.',
  'export LC_ALL=C',
  'own=$ORCHESTRATE_WORKTREE main=$ORCHESTRATE_PROJECT all=${ORCHESTRATE_WORKTREE%/*}',
  'plans=${CLAUDE_CONFIG_DIR:-$HOME/.claude}/plans',
  '[ -d "$own" ] && [ -d "$main" ] || exit 0',
  'refuse() {',
  '  printf "orchestrate: refused: %s reaches %s (%s). Your work belongs in your own worktree, %s: change files there, and run plain git commands there.\\n" "$1" "$2" "$3" "$own" >&2',
  `  exit ${REFUSED}`,
  '}',
  '# Where a place lies, by the nearest directory that means something: own, temporary, other, main or outside.',
  'lies() {',
  '  at=$1',
  '  while :; do',
  '    if [ "$at" -ef "$own" ]; then where=own; return; fi',
  '    for each in "${TMPDIR:-/tmp}" /tmp /var/tmp "$plans"; do',
  '      if [ "$at" -ef "$each" ]; then where=temporary; return; fi',
  '    done',
  '    if [ "$all" != "" ] && [ "$at" -ef "$all" ]; then where=other; return; fi',
  '    if [ "$at" -ef "$main" ]; then where=main; return; fi',
  '    if [ "$at" = / ]; then where=outside; return; fi',
  '    at=${at%/*}',
  '    at=${at:-/}',
  '  done',
  '}',
  '# The real place of a path that may not be there yet: links followed, as far as it exists.',
  'real() {',
  '  path=$1 hops=0',
  '  while [ -L "$path" ] && [ "$hops" -lt 20 ]; do',
  '    link=$(readlink "$path") || return 1',
  '    case $link in /*) path=$link ;; *) path=${path%/*}/$link ;; esac',
  '    hops=$((hops + 1))',
  '  done',
  '  directory=$path',
  '  until [ -d "$directory" ]; do directory=${directory%/*}; directory=${directory:-/}; done',
  '  cd -P "$directory" 2>/dev/null || return 1',
  '  place=$PWD',
  '}',
  'tab=$(printf "\\t")',
  "aims=$(awk '",
  READER.replaceAll("'", "'\\''"),
  "' 2>/dev/null) || exit 0",
  'while IFS=$tab read -r kind path; do',
  '  [ "$path" = "" ] && continue',
  '  if [ "$kind" = git ] && ! [ -e "$path" ]; then continue; fi',
  '  real "$path" || continue',
  '  # Where nothing is yet, only the name tells that it will be a plan.',
  '  case $path in "$plans"/*) [ -d "$plans" ] || continue ;; esac',
  '  lies "$place"',
  '  case $kind.$where in',
  '  *.own | *.temporary | git.outside) ;;',
  '  edit.other) refuse "this edit" "$path" "a worktree that is not yours" ;;',
  '  edit.main) refuse "this edit" "$path" "the main checkout" ;;',
  '  edit.outside) refuse "this edit" "$path" "outside your worktree and the temporary directory" ;;',
  '  git.other) refuse "this git command" "$path" "a worktree that is not yours" ;;',
  '  git.main) refuse "this git command" "$path" "the main checkout" ;;',
  '  esac',
  'done <<EOF',
  '$aims',
  'EOF',
  'exit 0',
  '',
].join('\n');
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: these are the shell's

/** Tools that change files, and the one that runs commands. */
const FENCED_TOOLS = 'Edit|MultiEdit|Write|NotebookEdit|Bash';
const TIMEOUT_SECONDS = 5;

/** The fence among the hooks of a run: asked in every permission mode. Any end but a refusal lets the tool be. */
export function fenceHook(): unknown {
  const command = `[ -r "$ORCHESTRATE_FENCE" ] || exit 0; /bin/sh "$ORCHESTRATE_FENCE"; [ $? = ${REFUSED} ] && exit 2; exit 0`;
  return { matcher: FENCED_TOOLS, hooks: [{ type: 'command', command, timeout: TIMEOUT_SECONDS }] };
}
