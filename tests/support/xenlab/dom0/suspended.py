"""suspended DOMID: shut a domain down as one that has suspended itself, as `xl save` waits for."""

import sys

from xenlab.dom0.labxen import Domain

Domain(int(sys.argv[1])).suspended()
