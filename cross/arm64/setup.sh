# What `scripts/setup.sh arm64` does beyond the rest: it reads this file and
# calls install_sysroot. $cache, step, ok, fail, while_waiting and as_root are
# its own.
# shellcheck shell=bash

# Debian 12 is what Raspberry Pi OS and most boards stand on. Its first release,
# without updates: what links with that runs with every later one.
release=bookworm
sysroot_packages=libopencv-dev,libc6-dev,libstdc++-12-dev

# install_sysroot unpacks the arm64 libraries that the programs are linked with
# and that emulation runs them with. Its key is this file.
install_sysroot() {
    local sysroot=$cache/arm64/sysroot key
    key=$(sha256sum <cross/arm64/setup.sh | cut -d' ' -f1)
    step "arm64 libraries of Debian 12"
    if [ "$(cat "$sysroot/.key" 2>/dev/null)" = "$key" ]; then
        pretend_cortex_a72 "$sysroot"
        ok "already there"
        return
    fi
    # Nothing of the sysroot is run, so no rights are needed to make it.
    local mirror mode=chrootless
    [ "$(id -u)" -ne 0 ] || mode=root
    mirror=$(debian_mirror)
    [ -n "$mirror" ] || fail "apt of this machine has no Debian mirror, from which the arm64 libraries could come."
    mkdir -p "$cache/arm64"
    while_waiting mmdebstrap --mode="$mode" --arch=arm64 --variant=extract --include="$sysroot_packages" --format=directory \
        --extract-hook="$(owners_hook)" "$release" "$sysroot.part" "deb $mirror $release main" ||
        fail "mmdebstrap could not unpack the arm64 libraries. Is the machine online?"
    prune "$sysroot.part"
    pretend_cortex_a72 "$sysroot.part"
    printf '%s' "$key" >"$sysroot.part/.key"
    rm -rf "$sysroot"
    mv "$sysroot.part" "$sysroot"
    ok
}

# debian_mirror is where apt of this machine takes Debian from.
debian_mirror() {
    # shellcheck disable=SC2016 # apt fills these in
    apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)' 'Identifier: Packages' |
        sed -n 's/^Debian|Debian|main|//p' | head -n 1
}

# owners_hook notes in .owners which package each library is of: the tests
# compare that with what the arm64 package depends on.
owners_hook() {
    cat <<'HOOK'
for deb in "$1"/var/cache/apt/archives/*.deb; do
    name=$(dpkg-deb --field "$deb" Package)
    dpkg-deb --ctrl-tarfile "$deb" | tar -xO ./md5sums | sed -n "s|^[0-9a-f]*  \(.*\.so\..*\)|$name /\1|p"
done >"$1/.owners"
HOOK
}

# prune leaves libraries and headers. Emulation looks into the sysroot first, and
# must not find an empty /tmp or /etc there. BLAS and LAPACK lie aside until
# scripts of their packages, which do not run here, link them to their place.
prune() {
    local libraries=$1/usr/lib/aarch64-linux-gnu name
    rm -rf "$1"/{bin,sbin,dev,etc,tmp,var} "$1"/usr/{bin,sbin,share,games,local,src}
    for name in blas lapack; do
        ln -s "$name/lib$name.so.3" "$libraries/lib$name.so.3"
    done
}

# pretend_cortex_a72 writes what a Raspberry Pi 4 says of its processor. ONNX
# Runtime reads it, and ends when it meets this machine's there. It wants as many
# cores as there are to run on.
pretend_cortex_a72() {
    local cores core cpus=$1/sys/devices/system/cpu
    cores=$(getconf _NPROCESSORS_CONF)
    mkdir -p "$1/proc"
    for ((core = 0; core < cores; core++)); do
        printf '%s\n' "processor : $core" 'BogoMIPS : 108.00' 'Features : fp asimd evtstrm crc32 cpuid' \
            'CPU implementer : 0x41' 'CPU architecture: 8' 'CPU variant : 0x0' 'CPU part : 0xd08' 'CPU revision : 3' ''
        mkdir -p "$cpus/cpu$core"/{cpufreq,topology}
        echo 1500000 >"$cpus/cpu$core/cpufreq/cpuinfo_max_freq"
        echo 600000 >"$cpus/cpu$core/cpufreq/cpuinfo_min_freq"
        echo 0 >"$cpus/cpu$core/topology/physical_package_id"
        echo "0-$((cores - 1))" | tee "$cpus/cpu$core/topology/cluster_cpus_list" >"$cpus/cpu$core/topology/core_siblings_list"
    done >"$1/proc/cpuinfo"
    echo "0-$((cores - 1))" | tee "$cpus/possible" >"$cpus/present"
}
