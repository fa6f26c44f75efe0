-- Sections in which something was found.      in:  evidence      out: section, mentions, mention_patients, notes
SELECT coalesce(section, '') AS section, count(*) AS mentions, count(DISTINCT subject_id) AS patients,
       count(DISTINCT note_id) AS notes
FROM evidence
GROUP BY ALL
ORDER BY mentions DESC, section
