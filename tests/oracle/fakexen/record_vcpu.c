/* vCPU contexts as JSON, every field by its name in Xen's headers. */
#include "fakexen.h"
#include "json.h"

#define REG(field)  json_hex(j, #field, c->field)
#define USER(field) json_hex(j, #field, c->user_regs.field)
#define ARRAY(field)                                                          \
    do {                                                                      \
        json_array(j, #field);                                                \
        for (unsigned k = 0; k < sizeof(c->field) / sizeof(c->field[0]); k++) \
            json_hex(j, NULL, c->field[k]);                                   \
        json_end(j);                                                          \
    } while (0)
#define ALL_ZERO(field) json_bool(j, #field "_all_zero", fx_all_zero(&c->field, sizeof(c->field)))

static void pv64(struct json *j, const vcpu_guest_context_x86_64_t *c)
{
    json_number(j, "bits", 64);
    REG(flags);
    USER(rip), USER(rsp), USER(rflags);
    USER(rax), USER(rbx), USER(rcx), USER(rdx), USER(rsi), USER(rdi), USER(rbp);
    USER(r8), USER(r9), USER(r10), USER(r11), USER(r12), USER(r13), USER(r14), USER(r15);
    USER(cs), USER(ds), USER(es), USER(fs), USER(gs), USER(ss);
    USER(error_code), USER(entry_vector), USER(saved_upcall_mask);
    REG(ldt_base), REG(ldt_ents);
    ARRAY(gdt_frames);
    REG(gdt_ents), REG(kernel_ss), REG(kernel_sp);
    ARRAY(ctrlreg);
    ARRAY(debugreg);
    REG(event_callback_eip), REG(failsafe_callback_eip), REG(syscall_callback_eip);
    REG(vm_assist), REG(fs_base), REG(gs_base_kernel), REG(gs_base_user);
    ALL_ZERO(fpu_ctxt);
    ALL_ZERO(trap_ctxt);
}

static void pv32(struct json *j, const vcpu_guest_context_x86_32_t *c)
{
    json_number(j, "bits", 32);
    REG(flags);
    USER(eip), USER(esp), USER(eflags);
    USER(eax), USER(ebx), USER(ecx), USER(edx), USER(esi), USER(edi), USER(ebp);
    USER(cs), USER(ds), USER(es), USER(fs), USER(gs), USER(ss);
    USER(error_code), USER(entry_vector), USER(saved_upcall_mask);
    REG(ldt_base), REG(ldt_ents);
    ARRAY(gdt_frames);
    REG(gdt_ents), REG(kernel_ss), REG(kernel_sp);
    ARRAY(ctrlreg);
    ARRAY(debugreg);
    REG(event_callback_cs), REG(event_callback_eip), REG(failsafe_callback_cs), REG(failsafe_callback_eip);
    REG(vm_assist);
    ALL_ZERO(fpu_ctxt);
    ALL_ZERO(trap_ctxt);
}

static void hvm_cpu(struct json *j, const struct hvm_hw_cpu *c)
{
    json_string(j, "record", "CPU");
    REG(rip), REG(rflags), REG(rsp);
    REG(rax), REG(rbx), REG(rcx), REG(rdx), REG(rsi), REG(rdi), REG(rbp);
    REG(r8), REG(r9), REG(r10), REG(r11), REG(r12), REG(r13), REG(r14), REG(r15);
    REG(cr0), REG(cr2), REG(cr3), REG(cr4);
    REG(dr0), REG(dr1), REG(dr2), REG(dr3), REG(dr6), REG(dr7);
    REG(cs_sel), REG(ds_sel), REG(es_sel), REG(fs_sel), REG(gs_sel), REG(ss_sel), REG(tr_sel), REG(ldtr_sel);
    REG(cs_limit), REG(ds_limit), REG(es_limit), REG(fs_limit), REG(gs_limit), REG(ss_limit), REG(tr_limit);
    REG(ldtr_limit), REG(idtr_limit), REG(gdtr_limit);
    REG(cs_base), REG(ds_base), REG(es_base), REG(fs_base), REG(gs_base), REG(ss_base), REG(tr_base);
    REG(ldtr_base), REG(idtr_base), REG(gdtr_base);
    REG(cs_arbytes), REG(ds_arbytes), REG(es_arbytes), REG(fs_arbytes), REG(gs_arbytes), REG(ss_arbytes);
    REG(tr_arbytes), REG(ldtr_arbytes);
    REG(sysenter_cs), REG(sysenter_esp), REG(sysenter_eip), REG(shadow_gs);
    REG(msr_flags), REG(msr_lstar), REG(msr_star), REG(msr_cstar), REG(msr_syscall_mask), REG(msr_efer);
    REG(msr_tsc_aux), REG(tsc), REG(pending_event), REG(error_code), REG(flags);
    ALL_ZERO(fpu_regs);
}

static void hvm_mtrr(struct json *j, const struct hvm_hw_mtrr *c)
{
    json_string(j, "record", "MTRR");
    REG(msr_pat_cr);
    ARRAY(msr_mtrr_var);
    ARRAY(msr_mtrr_fixed);
    REG(msr_mtrr_cap), REG(msr_mtrr_def_type);
}

static void hvm_context(struct json *j, const struct fx_blob *blob)
{
    const struct hvm_save_descriptor *d;
    bool at_end = false;

    json_array(j, NULL);
    for (size_t at = 0; !at_end && at + sizeof(*d) <= blob->len; at += sizeof(*d) + d->length) {
        d = (const void *)(blob->p + at);
        json_object(j, NULL);
        json_number(j, "typecode", d->typecode);
        json_number(j, "instance", d->instance);
        json_number(j, "length", d->length);
        switch (d->typecode) {
        case HVM_SAVE_CODE(CPU): hvm_cpu(j, (const void *)(d + 1)); break;
        case HVM_SAVE_CODE(MTRR): hvm_mtrr(j, (const void *)(d + 1)); break;
        case HVM_SAVE_CODE(HEADER): json_string(j, "record", "HEADER"); break;
        case HVM_SAVE_CODE(END):
            json_string(j, "record", "END");
            at_end = true;
            break;
        default: json_string(j, "record", "?");
        }
        json_end(j);
    }
    json_end(j);
}

void fx_json_vcpus(struct json *j)
{
    json_array(j, "vcpu_contexts");
    for (unsigned i = 0; i < fx.ncontexts; i++) {
        json_object(j, NULL);
        json_number(j, "vcpu", fx.contexts[i].tag);
        if (fx.address_size == 32)
            pv32(j, (const void *)fx.contexts[i].p);
        else
            pv64(j, (const void *)fx.contexts[i].p);
        json_end(j);
    }
    json_end(j);

    json_array(j, "hvm_contexts");
    for (unsigned i = 0; i < fx.nhvm_contexts; i++)
        hvm_context(j, &fx.hvm_contexts[i]);
    json_end(j);
}
