# What `scripts/setup.sh packages` and `test-packages` do beyond the rest: it
# reads this file and calls install_notices and install_debroot. $cache, step,
# ok, fail, while_waiting and take_from_wheel are its own, debian_mirror and
# $release those of cross/arm64/setup.sh.
# shellcheck shell=bash

# install_notices takes the licence of ONNX Runtime, and those of what it is made
# of, out of the wheel that its library comes from.
install_notices() {
    local name version platform sha member rest
    while read -r name version platform sha member rest; do
        [ "$name" = onnxruntime ] && [[ $platform == *_"$(uname -m)" ]] || continue
        take_from_wheel "$name" "$version" "$platform" "$sha" onnxruntime/LICENSE onnxruntime/LICENSE
        take_from_wheel "$name" "$version" "$platform" "$sha" onnxruntime/ThirdPartyNotices.txt onnxruntime/ThirdPartyNotices.txt
    done < <(grep -v '^#' scripts/wheels.txt)
}

# install_debroot makes a clean Debian with what the packages depend on, and
# nothing else: the tests copy it and need no network then. Its key is this file
# and what the packages depend on.
install_debroot() {
    local debroot=$cache/debroot/root key depends mirror
    depends=$(sed -n '/^depends:/,/^$/s/^  - \([^ ]*\).*/\1/p' cross/package/gourdian*.yaml | grep -v ^gourdian | LC_ALL=C sort -u | paste -sd,)
    key=$(sha256sum cross/package/setup.sh | cut -d' ' -f1)-$depends
    step "a clean Debian 12 to install into"
    if [ "$(cat "$debroot/.key" 2>/dev/null)" = "$key" ]; then ok "already there"; return; fi
    [ "$(id -u)" -eq 0 ] || fail "Only root can make a Debian root folder: sudo make test-packages"
    mirror=$(debian_mirror)
    [ -n "$mirror" ] || fail "apt of this machine has no Debian mirror, from which the clean Debian could come."
    mkdir -p "$cache/debroot"
    while_waiting mmdebstrap --mode=root --variant=minbase --include="$depends" --format=directory \
        "$release" "$debroot.part" "deb $mirror $release main" ||
        fail "mmdebstrap could not make a clean Debian. Is the machine online?"
    printf '%s' "$key" >"$debroot.part/.key"
    rm -rf "$debroot"
    mv "$debroot.part" "$debroot"
    ok
}
