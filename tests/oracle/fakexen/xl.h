/* What the parts of the preloaded library share. */
#ifndef FAKEXEN_XL_H
#define FAKEXEN_XL_H

void fx_write_store(const char *dir); /* DIR/xenstore.txt */
#endif
