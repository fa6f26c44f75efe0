-- Where a patient belongs: site and author of the last note. One row for each patient with notes.
-- in:  note      out: subject_id, site_id, provider_id
SELECT
    subject_id,
    arg_max(struct_pack(site_id, provider_id), struct_pack(note_time, note_id)).site_id     AS site_id,
    arg_max(struct_pack(site_id, provider_id), struct_pack(note_time, note_id)).provider_id AS provider_id
FROM note
GROUP BY subject_id
