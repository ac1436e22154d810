# shellcheck shell=bash
# Everything that a script of ours stands on, in the order in which one needs another; sourced in the repository's root.
. deploy/lib/steps.sh
. deploy/lib/packages.sh
. deploy/lib/environment.sh
. deploy/lib/broker.sh
